"""One file with everything that a maintainer needs to see, and nothing that names a person.

Left out: host and user names, home folders, processes of others, unique ids of devices, and every
environment variable but those that choose GPUs or engines.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from aim_jupyter.core import engines, files
from aim_jupyter.core import gpus as detection
from aim_jupyter.core.records import Check, EngineEnvironment, Gpu, Machine

#: Variables whose values a report may hold.
TOLD = (
    *("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"),
    *("HSA_OVERRIDE_GFX_VERSION", "ROCM_PATH", "AIM_SYS_ROOT", "HF_HUB_OFFLINE"),
)
_LIBRARIES = ("aim-jupyter", "ipython", "ipykernel", "jupyterlab", "huggingface-hub", "msgspec")


def write(file: Path, machine: Machine, checks: list[Check]) -> None:
    """Write the report as JSON.

    Raises
    ------
    StateUnusable
        If `file` can't be written.
    """
    text = msgspec.json.format(msgspec.json.encode(collect(machine, checks)), indent=1)
    home = os.environ.get("HOME") or "/nowhere"
    files.write_atomic(file, text.replace(home.encode(), b"~"))


def collect(machine: Machine, checks: list[Check]) -> dict[str, Any]:
    """Return what the report holds."""
    nameless = replace(machine, host="", gpus=tuple(_nameless(gpu) for gpu in machine.gpus))
    return {
        "python": sys.version,
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME"),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "variables": {name: os.environ[name] for name in TOLD if name in os.environ},
        "machine": nameless,
        "visibility": detection.visibility(os.environ, nameless),
        "engines": [_short(environment) for environment in engines.find()],
        "checks": checks,
    }


def _nameless(gpu: Gpu) -> Gpu:
    return replace(gpu, unique_id_hex=None, holder=None, server=None, pid=None)


def _short(environment: EngineEnvironment) -> EngineEnvironment:
    """Leave out hundreds of flags: the version says which they are."""
    return replace(environment, flags=(), variables=())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
