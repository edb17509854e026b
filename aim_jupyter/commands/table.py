"""The one table of verbs: name, help, arguments, what runs, and what comes of it.

It feeds the magic, the ``aim-engine`` command, the completion and the reference page, so that none
of them can know a verb or an option that the others do not.

A command's `run` calls the core and returns its answer; `gives` says how that looks, also where it
hangs on the options.
"""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.commands import handlers, looks
from aim_jupyter.commands.arguments import (
    BESIDE,
    CHAT,
    CLIENT,
    CONNECT,
    CONTEXT,
    ENDED,
    EVICT,
    FIT,
    GPUS,
    IN_AND_OUT,
    INSTALL,
    LAUNCH,
    LOGS,
    MACHINE,
    MAP,
    METRICS,
    ON,
    ON_DISK,
    PANEL,
    PARTITION,
    PLAN,
    PREFETCH,
    PROVENANCE,
    REPLAY,
    RUN,
    RUNS,
    SERVER,
    SERVERS,
    SHARE,
    STOP,
    USERS,
    VERIFY,
    WAIT,
    WHY,
    argument,
)
from aim_jupyter.commands.command import Command
from aim_jupyter.core import api
from aim_jupyter.core.records.plan import TARGETS
from aim_jupyter.core.request.values import seconds
from aim_jupyter.work import runs

COMMANDS: tuple[Command, ...] = (
    Command(
        "", "GPUs, engine, servers, cache and the next step", lambda _: api.overview(), looks.STATUS
    ),
    Command(
        "gpus",
        "the GPUs: model, memory, who holds what",
        handlers.gpus,
        lambda given: looks.PARTITIONS if given.on else looks.GPUS,
        GPUS,
    ),
    Command(
        "engines",
        "the engine environments that were found",
        lambda _: api.engine_list(),
        looks.ENGINES,
    ),
    Command(
        "engine install",
        "make a managed engine environment",
        lambda given: api.install_engine(given.platform, force=given.force, sources=given.sources),
        looks.ENGINE,
        INSTALL,
    ),
    Command(
        "recipes",
        "every recipe of a model with verdict and reason; else the best of each model",
        handlers.recipes,
        looks.RECIPES,
        (
            argument("model", nargs="?", completes="models", help="a name, repository or folder"),
            MACHINE,
            ON,
            PARTITION,
            USERS,
            CONTEXT,
        ),
    ),
    Command(
        "recipe new",
        "a recipe file of your own, started from the recipe that would be chosen",
        lambda given: api.new_recipe(given.model, given.recipe).splitlines(),
        looks.LINES,
        (
            argument("model", completes="models", help="a name, repository or folder"),
            argument("--recipe", metavar="ID", completes="recipes", help="start from this one"),
        ),
    ),
    Command(
        "recipe check",
        "what a recipe file holds, or what is wrong with it and where",
        handlers.check_recipe,
        looks.LINES,
        (argument("file", type=Path, help="a recipe, or an AMD AIM profile"),),
    ),
    Command(
        "export",
        "a plan for another place, as text that runs there",
        handlers.export,
        looks.LINES,
        (
            *LAUNCH,
            argument("--to", choices=list(TARGETS), default=TARGETS[0], help="default: shell"),
            argument("--batch", choices=["ray"], help="a run of a map, as a job of Ray Data LLM"),
            argument("--run", metavar="ID", completes="runs", help="that one, not the last"),
        ),
        open=True,
    ),
    Command(
        "plan",
        "what launch would start, here or on another machine; nothing is started",
        handlers.plan,
        lambda given: looks.ANSWERS if given.batch else looks.PLAN,
        (*LAUNCH, *PLAN),
        open=True,
    ),
    Command(
        "fit",
        "whether a model fits, with the sum, before a byte is downloaded",
        handlers.fit,
        handlers.fit_look,
        FIT,
    ),
    Command(
        "launch",
        "start a server in the background; any other --option is the engine's own",
        handlers.launch,
        looks.LAUNCHED,
        LAUNCH,
        open=True,
    ),
    Command(
        "serve",
        "start a server and stay with it until Ctrl-C or its end",
        handlers.launch,
        looks.SERVED,
        LAUNCH,
        open=True,
        terminal=True,
    ),
    Command("ps", "all servers, live and ended", lambda _: api.servers(), looks.PS, also="list"),
    Command("queue", "who waits for GPUs, in turn", lambda _: api.queue(), looks.QUEUE),
    Command(
        "status", "one server", lambda given: api.status(given.server), looks.SERVER, (SERVER,)
    ),
    Command(
        "wait",
        "block until a server is ready; interrupting stops only the waiting",
        lambda given: api.wait(given.server, limit_s=given.timeout or float("inf")),
        looks.WAITING,
        (SERVER, WAIT),
    ),
    Command(
        "why",
        "why an engine ended: of a server, or of a log from anywhere",
        handlers.why,
        looks.EXPLAINED,
        ENDED,
    ),
    Command(
        "provenance",
        "what served: engine, files, options and devices, under a name that answers carry",
        handlers.provenance,
        lambda given: looks.RECORDS if given.all else looks.RECORD,
        PROVENANCE,
    ),
    Command(
        "replay",
        "launch what a record says, if it is the same here; else what differs",
        handlers.replay,
        lambda given: looks.DIFFERENCES if given.dry else looks.LAUNCHED,
        REPLAY,
    ),
    Command(
        "attach",
        "the handle of a server that runs, from any notebook",
        lambda given: api.attach(given.server),
        looks.ATTACHED,
        (SERVER,),
    ),
    Command(
        "client",
        "an OpenAI client for a server, ready to use",
        lambda given: api.attach(given.server),
        handlers.client_look,
        CLIENT,
    ),
    Command(
        "connect",
        "tell another program of a server: shown first, written with --yes, taken back with --off",
        handlers.connect,
        looks.LINES,
        CONNECT,
    ),
    Command(
        "run",
        "a program beside a server: aim-engine run NAME -- lm_eval …",
        handlers.beside,
        looks.BESIDE,
        BESIDE,
        terminal=True,
        passes=True,
    ),
    Command(
        "chat",
        "talk to a server; the conversation goes on from cell to cell",
        lambda given: api.attach(given.server),
        looks.REPLY,
        CHAT,
        cell="what you say",
    ),
    Command(
        "map",
        "ask a model about each row of a table; what is answered is kept",
        lambda given: given,
        looks.MAPPED,
        (*IN_AND_OUT, *MAP),
        cell="the prompt",
    ),
    Command(
        "runs", "the maps that are kept: rows, done, failed", lambda _: runs.folders(), looks.RUNS
    ),
    Command(
        "runs frame",
        "the rows of a run: raw answers, and why some failed",
        lambda given: runs.find(given.run).answers(),
        looks.ROWS,
        (RUN,),
    ),
    Command(
        "runs stop",
        "let a run that goes on keep what is done and leave",
        handlers.stop_runs,
        looks.LINES,
        (RUNS,),
    ),
    Command(
        "runs evict", "remove runs with their answers", handlers.evict_runs, looks.LINES, (RUNS,)
    ),
    Command(
        "metrics",
        "tokens per second, latency, KV cache, GPU: now, over time, or as a figure",
        handlers.metrics,
        handlers.metrics_look,
        METRICS,
    ),
    Command(
        "top",
        "every server and GPU live, in place, for 10 min or until --off",
        lambda given: None if given.off else api.top(),
        looks.TOP,
        (argument("--off", action="store_true", help="end the live view"),),
    ),
    Command(
        "events",
        "what happened to the servers: stages, health, leases, ends",
        handlers.events,
        lambda given: looks.FOLLOWED if given.follow else looks.EVENTS,
        (SERVERS, argument("-f", action="store_true", dest="follow", help="and what comes after")),
    ),
    Command("cache", "the models on disk", lambda _: api.models_on_disk(), looks.CACHE),
    Command(
        "cache stats",
        "how much is on disk, what launches find there, and where all that is set",
        lambda _: api.cache_stats(),
        looks.STATS,
    ),
    Command(
        "cache prefetch",
        "download models before they are launched, verified; goes on where it broke off",
        lambda given: api.prefetch(given.models, recipe=given.recipe, revision=given.revision),
        looks.FETCHED,
        PREFETCH,
    ),
    Command(
        "cache verify",
        "read models through and compare them with what the Hub has promised",
        lambda given: list(api.verify(given.models)),
        looks.CACHE,
        VERIFY,
    ),
    Command(
        "cache evict",
        "what could go, and with --yes let it go; never what is in use or pinned",
        handlers.evict,
        looks.EVICT,
        EVICT,
    ),
    Command(
        "cache pin",
        "keep models whatever is evicted",
        lambda given: api.pin(given.models),
        looks.CACHE,
        (ON_DISK,),
    ),
    Command(
        "cache unpin",
        "let models be evicted again",
        lambda given: api.unpin(given.models),
        looks.CACHE,
        (ON_DISK,),
    ),
    Command(
        "cache why",
        "whether a model can start without network, and which file it lacks",
        lambda given: api.can_start(given.model, given.recipe),
        looks.WHY,
        WHY,
    ),
    Command("logs", "the end of an engine's log", handlers.logs, looks.LINES, LOGS),
    Command(
        "stop",
        "end a server: running requests finish, and nothing of it is left",
        handlers.stop,
        handlers.stop_look,
        STOP,
    ),
    Command(
        "forget",
        "take ended servers off the lists, with their logs",
        handlers.forget,
        looks.LINES,
        (argument("servers", nargs="+", completes="servers", help="their names"),),
    ),
    Command(
        "share",
        "let other users of this node use a server; alone, with whom each is shared",
        handlers.share,
        looks.LINES,
        SHARE,
    ),
    Command(
        "warm",
        "import the engine ahead: launches then take seconds",
        handlers.warm,
        looks.WARM,
        (
            argument("--off", action="store_true", help="end it; its servers go on"),
            argument("--idle", type=seconds, metavar="TIME", help="stay so long unused: 15m"),
        ),
    ),
    Command(
        "sites",
        "where servers can run beside this machine",
        lambda _: api.known_sites(),
        looks.SITES,
    ),
    Command(
        "site check",
        "try a site: its commands, its partition, its folders, a submission",
        lambda given: api.check_site(given.site),
        looks.DOCTOR,
        (argument("site", help="its name: %%aim sites"),),
    ),
    Command(
        "doctor",
        "what is wrong here, and the command that mends it",
        lambda given: api.doctor(given.report),
        looks.DOCTOR,
        (argument("--report", type=Path, metavar="FILE", help="write it down for a maintainer"),),
    ),
    Command(
        "panel",
        "choose, launch and watch by clicks, in the notebook",
        handlers.request,
        looks.PANEL,
        PANEL,
    ),
    Command(
        "help",
        "what the verbs are, or one of them",
        lambda given: given.verb,
        looks.HELP,
        (argument("verb", nargs="*", help="such as launch, or engine install"),),
    ),
)
