"""The one table of verbs: name, help, arguments, what runs, and what comes of it.

It feeds the magic, the ``aim-engine`` command, the completion and the reference page, so that none
of them can know a verb or an option that the others do not.

A command's `run` calls the core and returns its answer; `gives` says what kind of answer that is,
and each front end knows how to show each kind.
"""

from __future__ import annotations

import re
import sys
from argparse import BooleanOptionalAction, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.planning import DEFAULT_IDLE_S, Request
from aim_jupyter.core.recipes.export import TARGETS

# What an answer is. The first row are tables: a DataFrame, with a card below.
Gives = Literal[
    "gpus", "engines", "recipes", "ps", "metrics", "cache",
    "status", "server", "doctor",  # a card alone
    "launched", "served",  # a server that was just launched: to leave running, to stay with
    "waiting",  # a server again and again, until it is ready
    "plan",  # what would be started, as plain data
    "fit",  # a verdict with its sum; a table of past starts; a plain answer for each question
    "attached", "client", "reply",  # what a client needs
    "lines",  # text, maybe still coming
    "engine",  # an engine environment that was installed
    "help",
]  # fmt: skip
Names = Literal["models", "servers", "engines", "recipes"]


class Argument(NamedTuple):
    """One argument of a command: its names, what `argparse` is told, what completes it."""

    names: tuple[str, ...]
    options: dict[str, Any]
    completes: Names | None = None


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


def argument(*names: str, completes: Names | None = None, **options: Any) -> Argument:
    """Return an argument; `options` are those of `argparse.ArgumentParser.add_argument`."""
    return Argument(names, options, completes)


def seconds(text: str) -> float | None:
    """Return a duration in seconds: ``90``, ``90s``, ``30m``, ``8h``; None for ``never``.

    Raises
    ------
    BadUsage
        If it is none of these.

    Examples
    --------
    >>> seconds("30m"), seconds("never")
    (1800.0, None)
    """
    if text == "never":
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|d)?", text)
    if not found:
        raise BadUsage(f"{text!r} is no duration.", "write 90s, 30m, 8h or never")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2] or "s"]


def ordinals(text: str) -> tuple[int, ...]:
    """Return GPU numbers: ``4`` or ``4,5``.

    Raises
    ------
    BadUsage
        If they are not whole numbers.
    """
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise BadUsage(f"{text!r} names no GPUs.", "write their numbers, as in --gpus 4,5")
    return tuple(int(part) for part in text.split(","))


def _request(given: Namespace) -> Request:
    options = dict(given.engine_options)
    options.update(_pair(text) for text in given.set or ())
    return Request(
        model=given.model or api.default_model(),
        recipe=given.recipe,
        engine=given.engine,
        gpus=given.gpus,
        users=given.users,
        context=given.context,
        name=given.name,
        port=given.port,
        idle_s=given.idle,
        lifetime_s=given.lifetime,
        options=options,
        unset=tuple(given.unset or ()),
        env={name: str(value) for name, value in map(_pair, given.env or ())},
        force=given.force,
    )


def _pair(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise BadUsage(f"{text!r} is no NAME=VALUE.", "write it as in --set max-model-len=8192")
    return name, value


def _launch(given: Namespace) -> Any:
    return api.launch(_request(given), new=given.new)


def _plan(given: Namespace) -> Any:
    if given.batch:
        return api.plans_for(_questions(given.batch))
    elsewhere = (given.machine, given.precision, given.metric, given.policy, given.recipes)
    if not any(elsewhere):
        return msgspec.to_builtins(api.plan(_request(given)))
    request = _request(given)
    question = {
        "model": request.model,
        "machine": given.machine,
        "precision": given.precision,
        "metric": given.metric,
        "policy": given.policy or "default",
        "fallback": given.fallback,
        "recipes": tuple(given.recipes or ()),
        "recipe": given.recipe,
        "gpus": given.gpus,
        "users": given.users,
        "context": given.context,
        "set": request.options,
        "unset": request.unset,
        "env": request.env,
    }
    return api.plan_for({name: value for name, value in question.items() if value is not None})


def _check_recipe(given: Namespace) -> list[str]:
    model = api.check_recipe(given.file)
    ids = ", ".join(recipe.id for recipe in model.recipes) or "none: they are derived by rule"
    return [f"{given.file} is a good recipe file for {model.name}.", f"Recipes: {ids}"]


#: Options of `fit` that are no part of the question.
_NOT_ASKED = ("engine_options", "batch", "history", "body")


def _fit(given: Namespace) -> Any:
    if given.history:
        return api.starts()
    if given.batch:
        return api.fits(_lines_of(given.batch))
    asked = {name: value for name, value in vars(given).items() if name not in _NOT_ASKED}
    return api.fit({name: value for name, value in asked.items() if value is not None})


def _questions(source: str) -> Iterator[dict[str, Any]]:
    """Yield the questions of a file of JSON lines."""
    for number, line in enumerate(_lines_of(source), start=1):
        if line.strip():
            yield _question(line, number)


def _lines_of(source: str) -> list[str]:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(f"{source} can't be read: {error}.", "name a file of JSON lines") from error
    return text.splitlines()


def _question(line: str, number: int) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line.encode(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadUsage(f"Line {number} is no JSON object: {error}.", "one object a line") from error


def _logs(given: Namespace) -> Any:
    read = api.follow_logs if given.follow else api.logs
    return read(given.server, lines=given.lines)


def _stop(given: Namespace) -> Any:
    return api.stop(given.server, drain_s=0.0 if given.now else given.drain)


SERVER = argument("server", nargs="?", completes="servers", help="its name; else the last launched")

MACHINE = argument(
    "--machine", metavar="SPEC", help="one that is not here: mi300x:8, mi300x:8:cpx-nps4"
)

LAUNCH = (
    argument(
        "model",
        nargs="?",
        completes="models",
        help="a name, a Hugging Face repository or a folder; else the demo",
    ),
    argument("--recipe", metavar="ID", completes="recipes", help="this recipe, not the best one"),
    argument("--gpus", type=ordinals, metavar="LIST", help="these GPUs, as in 4,5"),
    argument("--users", type=int, metavar="N", help="so many conversations at the same time"),
    argument("--context", type=int, metavar="TOKENS", help="so many tokens in each"),
    argument(
        "--engine",
        metavar="NAME",
        completes="engines",
        help="vllm, sglang, or an environment of %%aim engines",
    ),
    argument("--name", help="call the server so"),
    argument("--new", action="store_true", help="start another one beside one that runs"),
    argument("--port", type=int, metavar="N", help="listen there; else a free port is chosen"),
    argument(
        "--idle",
        type=seconds,
        default=DEFAULT_IDLE_S,
        metavar="TIME",
        help="stop after so long without a request: 30m, never (default: 60m)",
    ),
    argument("--for", type=seconds, dest="lifetime", metavar="TIME", help="stop after so long"),
    argument("--force", action="store_true", help="launch although the verdict is NO"),
    argument(
        "--set", action="append", metavar="OPTION=VALUE", help="an engine option, for scripts"
    ),
    argument("--unset", action="append", metavar="OPTION", help="leave out one of the recipe's"),
    argument("--env", action="append", metavar="NAME=VALUE", help="a variable for the engine"),
)

PLAN = (
    MACHINE,
    argument("--precision", metavar="NAME", help="such as bf16 or fp8; auto is the best one"),
    argument("--metric", choices=["latency", "throughput", "auto"], help="tuned for this"),
    argument("--policy", choices=["default", "aim"], help="aim: AMD's own rules exactly"),
    argument(
        "--fallback",
        action=BooleanOptionalAction,
        default=False,
        help="with --policy aim: take general profiles too",
    ),
    argument("--recipes", action="append", metavar="DIR", help="one more folder of recipes"),
    argument("--batch", metavar="FILE", help="questions as JSON lines, - for standard input"),
)

FIT = (
    argument("model", nargs="?", completes="models", help="a name, repository or folder"),
    MACHINE,
    argument("--users", type=int, metavar="N", help="so many requests at the same time"),
    argument(
        *("--context", "--max-model-len"),
        type=int,
        dest="max_model_len",
        metavar="TOKENS",
        help="so many tokens of each; else the model's own limit",
    ),
    argument("--recipe", metavar="ID", completes="recipes", help="with this recipe's options"),
    argument("--tp", type=int, metavar="N", help="shared by so many GPUs (default: 1)"),
    argument("--dtype", metavar="NAME", help="of the weights, such as bfloat16"),
    argument("--kv-dtype", metavar="NAME", help="of the KV cache, such as fp8"),
    argument("--quantization", metavar="NAME", help="of the weights while they load, such as fp8"),
    argument("--util", type=float, metavar="SHARE", help="of the memory, such as 0.92"),
    argument("--max-num-seqs", type=int, metavar="N", help="so many requests a step"),
    argument("--max-num-batched-tokens", type=int, metavar="N", help="so many tokens a step"),
    argument("--engine-version", metavar="V", help="of vLLM; else the one here, else the newest"),
    argument("--weights-gib", type=float, metavar="X", help="measured, of one GPU"),
    argument("--available-kv-gib", type=float, metavar="X", help="measured, of one GPU"),
    argument("--config", metavar="FILE", help="a config.json instead of a known model"),
    argument("--history", action="store_true", help="past starts: predicted against actual"),
    argument("--batch", metavar="FILE", help="questions as JSON lines, - for standard input"),
)

WAIT = argument("--timeout", type=seconds, default=1800.0, metavar="TIME", help="wait no longer")

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
            argument("platform", choices=["cpu", "rocm"], help="what it is for"),
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
            argument("--context", type=int, metavar="TOKENS", help="so many tokens each"),
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
        _check_recipe,
        "lines",
        (argument("file", type=Path, help="a recipe, or an AMD AIM profile"),),
    ),
    Command(
        "export",
        "a plan for another place, as text that runs there",
        lambda given: api.export(_request(given), given.to).splitlines(),
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
        _plan,
        "plan",
        (*LAUNCH, *PLAN),
        open=True,
    ),
    Command(
        "fit",
        "whether a model fits, with the sum, before a byte is downloaded",
        _fit,
        "fit",
        FIT,
    ),
    Command(
        "launch",
        "start a server in the background; any other --option is the engine's own",
        _launch,
        "launched",
        LAUNCH,
        open=True,
    ),
    Command(
        "serve",
        "start a server and stay with it until Ctrl-C or its end",
        _launch,
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
        "tokens per second, latency, KV cache of the running servers over the last minute",
        lambda given: api.metrics(given.server),
        "metrics",
        (SERVER,),
    ),
    Command("cache", "the models on disk", lambda _: api.models_on_disk(), "cache"),
    Command(
        "logs",
        "the end of an engine's log",
        _logs,
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
        _stop,
        "server",
        (
            SERVER,
            argument("--now", action="store_true", help="cut running requests off"),
            argument(
                "--drain",
                type=seconds,
                default=api.DRAIN_S,
                metavar="TIME",
                help="how long running requests may take (default: 30s)",
            ),
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
        "help",
        "what the verbs are, or one of them",
        lambda given: given.verb,
        "help",
        (argument("verb", nargs="*", help="such as launch, or engine install"),),
    ),
)
