"""What verbs are told: their arguments, what `argparse` makes of each, and what completes it."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from pathlib import Path
from typing import Any, NamedTuple

from aim_jupyter.core.defaults import AT_ONCE, DRAIN_S, ROUNDS, WINDOW_S
from aim_jupyter.core.request.record import OPTIONS, Names, Option
from aim_jupyter.core.request.values import SWITCH, milliseconds, seconds, size, span, tokens


class Argument(NamedTuple):
    """One argument of a command: its names, what `argparse` is told, what completes it."""

    names: tuple[str, ...]
    options: dict[str, Any]
    completes: Names | None = None


def argument(*names: str, completes: Names | None = None, **options: Any) -> Argument:
    """Return an argument; `options` are those of `argparse.ArgumentParser.add_argument`."""
    return Argument(names, options, completes)


def _launch(option: Option) -> Argument:
    """Return the argument that an option of a launch is."""
    kind = option.kind
    # `argparse` fills in what follows a percent sign.
    told: dict[str, Any] = {"help": option.help.replace("%", "%%")}
    if kind is SWITCH:
        return argument(option.word, action="store_true", dest=option.field, **told)
    told["type"] = kind.read
    if option.choices:
        told["choices"] = option.choices
    elif not option.positional:
        told["metavar"] = option.metavar or kind.metavar
    if option.positional:
        return argument(option.word, nargs="?", completes=option.completes, **told)
    told |= {"action": "append"} if kind.gather else {"default": option.default}
    return argument(option.word, dest=option.field, completes=option.completes, **told)


LAUNCH = tuple(map(_launch, OPTIONS))
"""What launch, plan, export and serve take: all of the table."""

USERS, CONTEXT, ON, PARTITION = (
    next(made for made in LAUNCH if made.names == (word,))
    for word in ("--users", "--context", "--on", "--partition")
)

SERVER = argument("server", nargs="?", completes="servers", help="its name; else the last launched")

SERVERS = argument("server", nargs="?", completes="servers", help="its name; else all of them")

ENDED = (
    argument("server", nargs="?", completes="servers", help="its name; else the last launched"),
    argument("--log", metavar="FILE", help="a log from anywhere instead"),
    argument("--engine", metavar="NAME", help="that wrote it: vllm or sglang; else as it says"),
    argument("--engine-version", metavar="V", help="its version; else as the log says"),
    argument("--exit-code", type=int, metavar="N", help="of its end; negative for a signal"),
    argument("--report", action="store_true", help="write one file for a maintainer, redacted"),
    argument(
        "--ask",
        nargs="?",
        const="",
        metavar="SERVER",
        help="let a running model suggest: a guess, of the redacted log",
    ),
)

MACHINE = argument(
    "--machine", metavar="SPEC", help="one that is not here: mi300x:8, mi300x:8:cpx-nps4"
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
    USERS,
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
    argument("--exact", action="store_true", default=None, help="by the code of vLLM itself, 13 s"),
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

BUNDLE = argument("folder", type=Path, help="a bundle")

BUNDLED = (
    argument("models", nargs="+", completes="cached", help="on disk: names, or repositories"),
    argument("--out", type=Path, required=True, metavar="DIR", help="a new folder for it"),
    argument("--engine", action="store_true", help="and the environment that would serve"),
    argument("--recipe", metavar="ID", help="the weights of this recipe, not of the best one"),
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

IN_AND_OUT = (
    argument("table", help="a table of the notebook; in a terminal a CSV, JSONL or parquet file"),
    argument(
        "words",
        nargs="*",
        metavar="prompt",
        help="with {column} for a row's values; in a terminal the file to write stands before it",
    ),
)

MAP = (
    argument("--into", metavar="NAME", default="answer", help="the column for the answers"),
    argument(
        "--schema",
        metavar="WHAT",
        help="a pydantic model or list of the notebook, a JSON Schema file, or words: kind,unkind",
    ),
    argument("--prompt-file", type=Path, metavar="FILE", help="the prompt stands there"),
    argument(
        "--server",
        action="append",
        metavar="NAME",
        completes="servers",
        help="a server or an address, else the last launched; several share the rows",
    ),
    argument("--images", action="append", metavar="COLUMN", help="pictures: paths or bytes"),
    argument("--samples", type=int, default=1, metavar="N", help="answers a row (default: 1)"),
    argument("--asks", type=int, default=3, metavar="N", help="until it is valid (default: 3)"),
    argument("--max-tokens", type=int, metavar="N", help="the longest answer (default: 512)"),
    argument("--temperature", type=float, metavar="T", help="0, the default: the same answer"),
    argument("--launch", action="store_true", help="launch a server again that has ended"),
    argument("--errors", action="store_true", help="ask the rows again that have failed"),
    argument("--force", action="store_true", help="go on although most of the first rows fail"),
    argument("--background", action="store_true", help="return at once; it goes on by itself"),
)

BENCH = (
    argument("--tokens-in", type=int, metavar="N", help="of each request (default: 480)"),
    argument("--tokens-out", type=int, metavar="N", help="of each answer (default: 256)"),
    argument(
        "--like",
        metavar="WHAT",
        help="chat, rag, summary, write, label; history for its own requests; or a run of a map",
    ),
    argument("--ttft", type=milliseconds, metavar="TIME", help="first token within, p95: 500ms"),
    argument("--itl", type=milliseconds, metavar="TIME", help="between tokens, p95: 50ms"),
    argument(
        "--at-once", type=int, action="append", metavar="N", help="this level alone, and others so"
    ),
    argument("--most", type=int, default=AT_ONCE, metavar="N", help="at most (default: 256)"),
    argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        metavar="N",
        help="requests for each (default: 4)",
    ),
)

EVAL = (
    argument("tasks", help="names with commas between, as in arc_easy,gsm8k; or a table"),
    SERVER,
    argument("--limit", type=int, metavar="N", help="samples of each task at most: 20 first"),
    argument("--shots", type=int, metavar="N", help="examples before each; else as the task says"),
    argument("--prompt", metavar="TEXT", help="of a table: with {column} for a row's values"),
    argument("--answer", metavar="COLUMN", help="of a table: what is right"),
    argument("--choices", metavar="WORDS", help="of a table: what is chosen from: kind,unkind"),
)
SAMPLES = argument("--samples", action="store_true", help="of an evaluation: each that was asked")

#: Which record is meant, and what else is to be done with it.
PROVENANCE = (
    argument("record", nargs="?", completes="servers", help="a server, a record, or its file"),
    argument("--all", action="store_true", help="every record that is kept"),
    argument("--export", type=Path, metavar="FILE", help="write it for a paper's appendix"),
)
REPLAY = (
    argument("record", help="its name, or a file that was exported"),
    argument("--dry", action="store_true", help="only say what is not as it was"),
    argument("--check", action="store_true", help="read the files of the model again"),
    argument("--anyway", action="store_true", help="launch although something differs"),
)
RUN = argument("run", nargs="?", completes="runs", help="its id; else the last")

RUNS = argument("runs", nargs="+", completes="runs", help="their ids")

#: Runs to remove: by name, or by age.
OLD = (
    argument("runs", nargs="*", completes="runs", help="their ids"),
    argument("--older-than", type=span, metavar="TIME", help="not worked on for so long: 30d"),
)

CHAT = (
    SERVER,
    argument("--say", metavar="TEXT", help="what you say, where there is no cell body"),
    argument("--new", action="store_true", help="begin a new conversation"),
    argument("--system", metavar="TEXT", help="what the model is told first"),
    argument("--max-tokens", type=int, metavar="N", help="the longest reply"),
    argument("--temperature", type=float, metavar="T", help="0 is always the same reply"),
)

CLIENT = (
    SERVER,
    argument("--all", action="store_true", help="of all running servers: model= says which"),
    argument("--async", action="store_true", dest="asynchronous", help="AsyncOpenAI"),
    argument("--env", action="store_true", help="set OPENAI_BASE_URL and OPENAI_API_KEY here"),
    argument("--export", action="store_true", help="the same as lines for a shell's eval"),
)

CONNECT = (
    argument(
        "words",
        nargs="*",
        metavar="program [server]",
        completes="programs",
        help="such as jupyter-ai or claude-code, and the server, else the last launched",
    ),
    argument("--yes", action="store_true", help="write it; without, it is shown"),
    argument("--off", action="store_true", help="take it back"),
)

BESIDE = (
    argument("server", nargs="?", completes="servers", help="its name; else the last launched"),
    argument("--launch", metavar="MODEL", completes="models", help="launch it if it does not run"),
    argument("--timeout", type=seconds, default=1800.0, metavar="TIME", help="wait no longer"),
)

LOGS = (
    SERVER,
    argument("-n", type=int, default=40, dest="lines", metavar="LINES", help="so many lines"),
    argument("-f", action="store_true", dest="follow", help="and what comes after"),
)

STOP = (
    SERVER,
    argument("--all", action="store_true", dest="everyone", help="every server of yours"),
    argument("--now", action="store_true", help="cut running requests off"),
    argument(
        "--drain",
        type=seconds,
        default=DRAIN_S,
        metavar="TIME",
        help="how long running requests may take (default: 30s)",
    ),
)

SHARE = (
    argument(
        "words",
        nargs="*",
        metavar="[server] user",
        completes="servers",
        help="the server, else the last launched; and a user of this node",
    ),
    argument("--all", action="store_true", dest="everyone", help="all users of this node"),
    argument("--revoke", action="store_true", help="take it back, at once"),
)

ASK = (
    argument("gpu", nargs="?", type=int, metavar="GPU", help="a number of %%aim gpus"),
    argument("words", nargs="*", help="what for: one line, which all of this node can read"),
)

ANSWER = (
    argument("user", help="who has asked"),
    argument("words", nargs="+", help="such as: at 18:00"),
)

GPUS = (
    MACHINE,
    ON,
    argument("--from", type=Path, dest="file", metavar="FILE", help="a tool's output"),
    argument("--tools", action="store_true", help="ask amd-smi, rocm-smi, rocminfo too"),
)
PANEL = (
    argument("model", nargs="?", completes="models", help="what is chosen at first"),
    USERS,
    CONTEXT,
)
INSTALL = (
    argument(
        "platform",
        choices=["cpu", "rocm", "sglang", "eval"],
        help="vLLM for the CPU or for AMD GPUs, SGLang for AMD GPUs, or what %%aim eval needs",
    ),
    argument("--force", action="store_true", help="make it again if it is there"),
    argument("--sources", type=Path, metavar="FILE", help="a list of wheels of your own"),
)
