"""The one table of verbs: name, help, arguments, what runs, and what comes of it.

It feeds the magic, the ``aim-engine`` command, the completion and the reference page, so that none
of them can know a verb or an option that the others do not.

A command's `run` calls the core and returns its answer; `gives` says what kind of answer that is,
and each front end knows how to show each kind.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from aim_jupyter import handlers
from aim_jupyter.arguments import (
    CONTEXT,
    EVICT,
    FIT,
    LAUNCH,
    MACHINE,
    METRICS,
    ON_DISK,
    PLAN,
    PREFETCH,
    SERVER,
    SERVERS,
    VERIFY,
    WAIT,
    WHY,
    Argument,
    argument,
    seconds,
)
from aim_jupyter.core import api
from aim_jupyter.core.defaults import DRAIN_S
from aim_jupyter.core.records.plan import TARGETS

# What an answer is. The first row are tables: a DataFrame, with a card below.
Gives = Literal[
    "gpus", "engines", "recipes", "ps", "metrics", "cache", "evict",
    "status", "server", "doctor", "stats", "why", "warm",  # a card alone
    "fetched",  # a download again and again, until all models are there; then their table
    "launched", "served",  # a server that was just launched: to leave running, to stay with
    "waiting",  # a server again and again, until it is ready
    "plan",  # what would be started, as plain data
    "fit",  # a verdict with its sum; a table of past starts; a plain answer for each question
    "attached", "client", "reply",  # what a client needs
    "events",  # a table, or one event after the other
    "top",  # what all servers do, again and again
    "lines",  # text, maybe still coming
    "panel",  # what is chosen at first in a panel
    "engine",  # an engine environment that was installed
    "help",
]  # fmt: skip


class Command(NamedTuple):
    """One verb.

    Attributes
    ----------
    open : bool
        Whether options that are not ours are the engine's, and collected in `engine_options`.
    cell : str
        What the body of a cell magic is, empty where the verb takes none.
    also : str
        Another name of the verb.
    terminal : bool
        Whether it makes sense in a terminal only.
    """

    name: str
    help: str
    run: Callable[[Namespace], Any]
    gives: Gives
    arguments: tuple[Argument, ...] = ()
    open: bool = False
    cell: str = ""
    also: str = ""
    terminal: bool = False


COMMANDS: tuple[Command, ...] = (
    Command(
        "", "GPUs, engine, servers, cache and the next step", lambda _: api.overview(), "status"
    ),
    Command(
        "gpus",
        "the GPUs: model, memory, who holds what",
        lambda given: api.machine(given.machine, file=given.file, tools=given.tools),
        "gpus",
        (
            MACHINE,
            argument("--from", type=Path, dest="file", metavar="FILE", help="a tool's output"),
            argument("--tools", action="store_true", help="ask amd-smi, rocm-smi, rocminfo too"),
        ),
    ),
    Command(
        "engines", "the engine environments that were found", lambda _: api.engine_list(), "engines"
    ),
    Command(
        "engine install",
        "make a managed engine environment",
        lambda given: api.install_engine(given.platform, force=given.force),
        "engine",
        (
            argument(
                "platform",
                choices=["cpu", "rocm", "sglang"],
                help="vLLM for the CPU or for AMD GPUs, or SGLang for AMD GPUs",
            ),
            argument("--force", action="store_true", help="make it again if it is there"),
        ),
    ),
    Command(
        "recipes",
        "every recipe of a model with verdict and reason; else the best of each model",
        lambda given: api.recipe_list(
            given.model, users=given.users, context=given.context, simulated=given.machine
        ),
        "recipes",
        (
            argument("model", nargs="?", completes="models", help="a name, repository or folder"),
            MACHINE,
            argument("--users", type=int, metavar="N", help="so many at the same time"),
            CONTEXT,
        ),
    ),
    Command(
        "recipe new",
        "a recipe file of your own, started from the recipe that would be chosen",
        lambda given: api.new_recipe(given.model, given.recipe).splitlines(),
        "lines",
        (
            argument("model", completes="models", help="a name, repository or folder"),
            argument("--recipe", metavar="ID", completes="recipes", help="start from this one"),
        ),
    ),
    Command(
        "recipe check",
        "what a recipe file holds, or what is wrong with it and where",
        handlers.check_recipe,
        "lines",
        (argument("file", type=Path, help="a recipe, or an AMD AIM profile"),),
    ),
    Command(
        "export",
        "a plan for another place, as text that runs there",
        lambda given: api.export(handlers.request(given), given.to).splitlines(),
        "lines",
        (
            *LAUNCH,
            argument("--to", choices=list(TARGETS), default=TARGETS[0], help="default: shell"),
        ),
        open=True,
    ),
    Command(
        "plan",
        "what launch would start, here or on another machine; nothing is started",
        handlers.plan,
        "plan",
        (*LAUNCH, *PLAN),
        open=True,
    ),
    Command(
        "fit",
        "whether a model fits, with the sum, before a byte is downloaded",
        handlers.fit,
        "fit",
        FIT,
    ),
    Command(
        "launch",
        "start a server in the background; any other --option is the engine's own",
        handlers.launch,
        "launched",
        LAUNCH,
        open=True,
    ),
    Command(
        "serve",
        "start a server and stay with it until Ctrl-C or its end",
        handlers.launch,
        "served",
        LAUNCH,
        open=True,
        terminal=True,
    ),
    Command("ps", "all servers, live and ended", lambda _: api.servers(), "ps", also="list"),
    Command("status", "one server", lambda given: api.status(given.server), "server", (SERVER,)),
    Command(
        "wait",
        "block until a server is ready; interrupting stops only the waiting",
        lambda given: api.wait(given.server, limit_s=given.timeout or float("inf")),
        "waiting",
        (SERVER, WAIT),
    ),
    Command(
        "attach",
        "the handle of a server that runs, from any notebook",
        lambda given: api.attach(given.server),
        "attached",
        (SERVER,),
    ),
    Command(
        "client",
        "an OpenAI client for a server, ready to use",
        lambda given: api.attach(given.server),
        "client",
        (SERVER, argument("--async", action="store_true", dest="asynchronous", help="AsyncOpenAI")),
    ),
    Command(
        "chat",
        "talk to a server; the conversation goes on from cell to cell",
        lambda given: api.attach(given.server),
        "reply",
        (
            SERVER,
            argument("--say", metavar="TEXT", help="what you say, where there is no cell body"),
            argument("--new", action="store_true", help="begin a new conversation"),
            argument("--system", metavar="TEXT", help="what the model is told first"),
            argument("--max-tokens", type=int, metavar="N", help="the longest reply"),
            argument("--temperature", type=float, metavar="T", help="0 is always the same reply"),
        ),
        cell="what you say",
    ),
    Command(
        "metrics",
        "tokens per second, latency, KV cache, GPU: now, over time, or as a figure",
        handlers.metrics,
        "metrics",
        METRICS,
    ),
    Command(
        "top",
        "every server and GPU live, in place, for 10 min or until --off",
        lambda given: None if given.off else api.top(),
        "top",
        (argument("--off", action="store_true", help="end the live view"),),
    ),
    Command(
        "events",
        "what happened to the servers: stages, health, leases, ends",
        handlers.events,
        "events",
        (SERVERS, argument("-f", action="store_true", dest="follow", help="and what comes after")),
    ),
    Command("cache", "the models on disk", lambda _: api.models_on_disk(), "cache"),
    Command(
        "cache stats",
        "how much is on disk, what launches find there, and where all that is set",
        lambda _: api.cache_stats(),
        "stats",
    ),
    Command(
        "cache prefetch",
        "download models before they are launched, verified; goes on where it broke off",
        lambda given: api.prefetch(given.models, recipe=given.recipe, revision=given.revision),
        "fetched",
        PREFETCH,
    ),
    Command(
        "cache verify",
        "read models through and compare them with what the Hub has promised",
        lambda given: list(api.verify(given.models)),
        "cache",
        VERIFY,
    ),
    Command(
        "cache evict",
        "what could go, and with --yes let it go; never what is in use or pinned",
        handlers.evict,
        "evict",
        EVICT,
    ),
    Command(
        "cache pin",
        "keep models whatever is evicted",
        lambda given: api.pin(given.models),
        "cache",
        (ON_DISK,),
    ),
    Command(
        "cache unpin",
        "let models be evicted again",
        lambda given: api.unpin(given.models),
        "cache",
        (ON_DISK,),
    ),
    Command(
        "cache why",
        "whether a model can start without network, and which file it lacks",
        lambda given: api.can_start(given.model, given.recipe),
        "why",
        WHY,
    ),
    Command(
        "logs",
        "the end of an engine's log",
        handlers.logs,
        "lines",
        (
            SERVER,
            argument(
                "-n", type=int, default=40, dest="lines", metavar="LINES", help="so many lines"
            ),
            argument("-f", action="store_true", dest="follow", help="and what comes after"),
        ),
    ),
    Command(
        "stop",
        "end a server: running requests finish, and nothing of it is left",
        handlers.stop,
        "server",
        (
            SERVER,
            argument("--now", action="store_true", help="cut running requests off"),
            argument(
                "--drain",
                type=seconds,
                default=DRAIN_S,
                metavar="TIME",
                help="how long running requests may take (default: 30s)",
            ),
        ),
    ),
    Command(
        "forget",
        "take ended servers off the lists, with their logs",
        handlers.forget,
        "lines",
        (argument("servers", nargs="+", completes="servers", help="their names"),),
    ),
    Command(
        "share",
        "let other users of this node use a server; alone, with whom each is shared",
        handlers.share,
        "lines",
        (
            argument(
                "words",
                nargs="*",
                metavar="[server] user",
                completes="servers",
                help="the server, else the last launched; and a user of this node",
            ),
            argument("--all", action="store_true", dest="everyone", help="all users of this node"),
            argument("--revoke", action="store_true", help="take it back, at once"),
        ),
    ),
    Command(
        "warm",
        "import the engine ahead: launches then take seconds",
        handlers.warm,
        "warm",
        (
            argument("--off", action="store_true", help="end it; its servers go on"),
            argument("--idle", type=seconds, metavar="TIME", help="stay so long unused: 15m"),
        ),
    ),
    Command(
        "doctor",
        "what is wrong here, and the command that mends it",
        lambda given: api.doctor(given.report),
        "doctor",
        (argument("--report", type=Path, metavar="FILE", help="write it down for a maintainer"),),
    ),
    Command(
        "panel",
        "choose, launch and watch by clicks, in the notebook",
        handlers.panel,
        "panel",
        (
            argument("model", nargs="?", completes="models", help="what is chosen at first"),
            argument("--users", type=int, metavar="N", help="so many at the same time"),
            argument("--context", type=int, metavar="TOKENS", help="so many tokens each"),
        ),
    ),
    Command(
        "help",
        "what the verbs are, or one of them",
        lambda given: given.verb,
        "help",
        (argument("verb", nargs="*", help="such as launch, or engine install"),),
    ),
)
