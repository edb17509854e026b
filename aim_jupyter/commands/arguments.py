"""What verbs are told: their arguments, what `argparse` makes of each, and what completes it."""

from __future__ import annotations

import re
from argparse import BooleanOptionalAction
from pathlib import Path
from typing import Any, Literal, NamedTuple

from aim_jupyter.core.defaults import IDLE_S, WINDOW_S
from aim_jupyter.core.errors import BadUsage

Names = Literal["models", "servers", "engines", "recipes", "cached"]


class Argument(NamedTuple):
    """One argument of a command: its names, what `argparse` is told, what completes it."""

    names: tuple[str, ...]
    options: dict[str, Any]
    completes: Names | None = None


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


def span(text: str) -> float:
    """Return a length of time in seconds, as `seconds` does, but not none at all.

    Raises
    ------
    BadUsage
        If it is no time.
    """
    found = seconds(text)
    if not found:
        raise BadUsage(f"{text!r} is no length of time.", "write 90s, 30m or 8h")
    return found


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


def size(text: str) -> int:
    """Return a size in bytes: ``200GB``, ``1.5TiB``; units of 1000 and of 1024 mean what they say.

    Raises
    ------
    BadUsage
        If it is none.

    Examples
    --------
    >>> size("2GiB"), size("2GB")
    (2147483648, 2000000000)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B?", text, re.IGNORECASE)
    if not found:
        raise BadUsage(f"{text!r} is no size.", "write it as in 200GB or 1.5TiB")
    power = "KMGT".index(found[2].upper()) + 1
    return round(float(found[1]) * float(1024 if found[3] else 1000) ** power)


def tokens(text: str) -> int | Literal["auto"]:
    """Return the length of a context: a number, or ``auto`` for the longest that fits.

    Raises
    ------
    BadUsage
        If it is neither.
    """
    if text == "auto":
        return "auto"
    if not re.fullmatch(r"[0-9]{1,12}", text) or not int(text):
        raise BadUsage(f"{text!r} is no length of a context.", "write tokens, as in 32768, or auto")
    return int(text)


SERVER = argument("server", nargs="?", completes="servers", help="its name; else the last launched")

SERVERS = argument("server", nargs="?", completes="servers", help="its name; else all of them")

MACHINE = argument(
    "--machine", metavar="SPEC", help="one that is not here: mi300x:8, mi300x:8:cpx-nps4"
)

CONTEXT = argument(
    "--context",
    type=tokens,
    metavar="TOKENS",
    help="so many tokens each; auto is the most that all users have room for",
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
    argument("--precision", metavar="NAME", help="such as bf16 or fp8; auto is the best one"),
    argument("--metric", choices=["latency", "throughput", "auto"], help="tuned for this"),
    argument("--users", type=int, metavar="N", help="so many conversations at the same time"),
    CONTEXT,
    argument(
        "--engine",
        metavar="NAME",
        completes="engines",
        help="vllm, sglang, an environment of %%aim engines, or container:IMAGE",
    ),
    argument("--name", help="call the server so"),
    argument("--new", action="store_true", help="start another one beside one that runs"),
    argument("--port", type=int, metavar="N", help="listen there; else a free port is chosen"),
    argument(
        "--listen",
        metavar="WHERE",
        help="unix: a socket file of your own; or an address of this machine (default: loopback)",
    ),
    argument(
        "--idle",
        type=seconds,
        default=IDLE_S,
        metavar="TIME",
        help="stop after so long without a request: 30m, never (default: 60m)",
    ),
    argument("--for", type=seconds, dest="lifetime", metavar="TIME", help="stop after so long"),
    argument(
        "--restart",
        type=int,
        metavar="N",
        help="start it again, up to N times in a row, if it ends by itself once it was ready",
    ),
    argument("--with-jupyter", action="store_true", help="stop when this Jupyter server ends"),
    argument(
        "--start",
        choices=["auto", "plain", "lean", "fork", "warm"],
        help="how: plain is the engine's own command, warm a fork of one that waits",
    ),
    argument("--force", action="store_true", help="launch although the verdict is NO"),
    argument(
        "--set", action="append", metavar="OPTION=VALUE", help="an engine option, for scripts"
    ),
    argument("--unset", action="append", metavar="OPTION", help="leave out one of the recipe's"),
    argument("--env", action="append", metavar="NAME=VALUE", help="a variable for the engine"),
)

PLAN = (
    MACHINE,
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
        type=tokens,
        dest="max_model_len",
        metavar="TOKENS",
        help="so many tokens of each, or auto; else the model's own limit",
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

ON_DISK = argument(
    "models", nargs="+", completes="cached", help="their repositories, or names of recipes"
)

PREFETCH = (
    argument("models", nargs="+", completes="models", help="names, or Hugging Face repositories"),
    argument("--recipe", metavar="ID", help="the weights of this recipe, not of the best one"),
    argument("--revision", metavar="NAME", help="a branch, tag or commit; else the recipe's"),
)

VERIFY = (argument("models", nargs="*", completes="cached", help="else all that is on disk"),)

EVICT = (
    argument("models", nargs="*", completes="cached", help="these alone"),
    argument("--older-than", type=seconds, metavar="TIME", help="not used for so long: 30d"),
    argument("--keep", type=size, metavar="SIZE", help="until no more is left: 200GB, 1.5TiB"),
    argument("--free", type=size, metavar="SIZE", help="until so much is freed"),
    argument("--yes", action="store_true", help="remove it; without, the plan is shown"),
)

WHY = (
    argument("model", completes="models", help="a name, repository or folder"),
    argument("--recipe", metavar="ID", completes="recipes", help="with the weights of this one"),
)

METRICS = (
    SERVER,
    argument(
        "--window",
        type=span,
        default=WINDOW_S,
        metavar="TIME",
        help="rates and quantiles over so long (default: 60s)",
    ),
    argument("--history", type=span, metavar="TIME", help="how it was, as in 30m or 24h"),
    argument("--every", type=span, metavar="TIME", help="a row each so long, else as sampled"),
    argument("--raw", action="store_true", help="everything that the engine exports"),
    argument("--plot", action="store_true", help="a figure, of the last 10 min or of --history"),
    argument("--to", type=Path, metavar="FILE", help="write the figure there: png, svg or pdf"),
    argument(
        "--serve-metrics",
        action="store_true",
        help="stay, and serve all of it to Prometheus on this machine",
    ),
    argument("--port", type=int, metavar="N", help="serve there (default: 9464)"),
)

WAIT = argument("--timeout", type=seconds, default=1800.0, metavar="TIME", help="wait no longer")
