"""Answers, from inside an interpreter, which engine it has and what that is.

Started by its path, so standard library only, and Python 3.9 or later. Prints one JSON object, with
the fields of `probe_cache.Answer`, on a line that begins with `MARKER`: engines and their libraries
print other lines around it. Its arguments are the number of seconds after which it ends itself, in
case whoever asked is gone, what to say where there is none, and a JSON list of the engines that are
asked for, each with ``name``, ``title``, the ``module`` that is there where it is installed, and
the ``script`` of its adapter, whose `describe` says the rest (see `adapters.Adapter`). The first
that is there and works is it.
"""

from __future__ import annotations

import importlib.util
import json
import signal
import sys
from argparse import Action, _HelpAction, _VersionAction
from pathlib import Path
from typing import Any

MARKER = "@@aim-engine-answer@@ "


def answer(engines: list[dict[str, str]], none: str) -> dict[str, Any]:
    """Return the answer of the first engine that works, else of the first that is there."""
    failed: dict[str, Any] = {}
    for engine in engines:
        if is_there(engine["module"]):
            found = asked(engine, none)
            if not found.get("reason"):
                return found
            failed = failed or found
    return failed or {"reason": none}


def is_there(module: str) -> bool:
    """Return whether a module could be imported, without doing so."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return True  # it says itself what is wrong with it


def asked(engine: dict[str, str], none: str) -> dict[str, Any]:
    """Return what an engine's own script says of it."""
    name = {"engine": engine["name"]}
    try:
        found = {**name, **load(engine["script"]).describe()}
        parser = found.pop("parser", None)
        if parser is not None:
            found["flags"] = [flag(action) for action in parser._actions if is_option(action)]  # noqa: SLF001
    except ModuleNotFoundError as error:
        if error.name == engine["module"]:
            return {"reason": none}
        return failure(engine["title"], error)
    except BaseException as error:  # noqa: BLE001  (whatever an engine raises is its answer)
        return failure(engine["title"], error)
    return {**found, "torch": torch_build()}


def load(script: str) -> Any:
    """Return a script as a module."""
    spec = importlib.util.spec_from_file_location("aim_describe", script)
    if spec is None or spec.loader is None:
        raise ImportError("there is no script " + script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def failure(title: str, error: BaseException) -> dict[str, Any]:
    """Return the answer of an engine that could not be asked."""
    text = " ".join(str(error).split())[:300]
    return {"reason": title + " does not load: " + type(error).__name__ + ": " + text}


def main() -> None:
    """Print the answer."""
    signal.alarm(int(sys.argv[1]))
    # A script's own folder leads `sys.path`: our neighbours must not shadow the engine's modules.
    if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
        del sys.path[0]
    found = answer(json.loads(sys.argv[3]), sys.argv[2])
    print("\n" + MARKER + json.dumps(found), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main()
