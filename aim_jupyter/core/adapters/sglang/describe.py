"""Says, from inside an interpreter that has SGLang, what that SGLang is.

Run through ``engines/probe_script.py``: standard library only, and Python 3.9 or later.
"""

from __future__ import annotations

import argparse
import importlib
import os
from typing import Any

# Started by our own program, which lies on the engine's path: it puts the guard before all routes.
COMMAND = ["-m", "aim_sglang"]


def describe() -> dict[str, Any]:
    """Return the answer of the SGLang that this interpreter imports."""
    platform, reason = device(importlib.import_module("torch"))
    answer = {"version": importlib.import_module("sglang.version").__version__}
    if reason:
        return {**answer, "reason": reason}
    launcher = importlib.import_module("sglang.launch_server")
    if not hasattr(launcher, "run_server"):
        return {**answer, "reason": "its sglang.launch_server has no run_server: it is too old"}
    parser = argparse.ArgumentParser(prog="sglang")
    importlib.import_module("sglang.srt.server_args").ServerArgs.add_cli_args(parser)
    return {
        **answer,
        "platform": platform,
        "command": COMMAND,
        "model_option": "--model-path",
        "parser": parser,
        "variables": variables(),
    }


def device(torch: Any) -> tuple[str, str]:
    """Return what torch was built for, and why it can't serve here: empty where it can."""
    hip, cuda = getattr(torch.version, "hip", None), getattr(torch.version, "cuda", None)
    if not hip and not cuda:
        # SGLang takes the CPU only when it is told so.
        os.environ.setdefault("SGLANG_USE_CPU_ENGINE", "1")
        return "cpu", ""
    found = torch.cuda.is_available()
    return "rocm" if hip else "cuda", "" if found else "SGLang finds no GPU that its torch is for"


def variables() -> list[str]:
    """Return the environment variables that it knows."""
    try:
        names = vars(type(importlib.import_module("sglang.srt.environ").envs))
    except (ImportError, AttributeError):
        return []
    return sorted(name for name in names if name.isupper())
