"""What can be wrong on this machine, each with what was found and the command that mends it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core import adapters, config, engines, recipes, serving
from aim_jupyter.core import gpus as detection
from aim_jupyter.core.errors import AimError, ServerGone, StateUnusable
from aim_jupyter.core.leases import folder as leases
from aim_jupyter.core.records import Check, EngineEnvironment, Machine
from aim_jupyter.core.serving.start import containers
from aim_jupyter.core.sizes import GIB

#: Below this a download or a log soon fails.
LITTLE_DISK_BYTES = 2 << 30


def checks(machine: Machine) -> list[Check]:
    """Return every check, the failed ones first."""
    chosen, engine = _engine(machine)
    if machine.gpus:
        machine = detection.enrich(machine)
    found = [
        *detection.findings(machine, Path(chosen.python) if chosen else None),
        engine,
        *_refused(),
        *_folders(),
        *_neighbours(),
        *_servers(),
        *_containers(),
        *_recipes(),
        *_hub(),
    ]
    return sorted(found, key=lambda check: check.good)


def _engine(machine: Machine) -> tuple[EngineEnvironment | None, Check]:
    platform = "rocm" if any(gpu.usable for gpu in machine.gpus) else "cpu"
    try:
        chosen = engines.choose(platform=platform)
    except AimError as error:
        return None, Check(name="engine", good=False, found=error.found, fix=error.hint)
    found = f"{chosen.title} for {chosen.platform}: {chosen.python}"
    if platform == "rocm" and chosen.platform != platform:
        # What is missing in it for a GPU is not to be asked: another one is wanted.
        found += "; it can't use the GPUs here"
        return None, Check(name="engine", good=False, found=found, fix="%aim engine install rocm")
    return chosen, Check(name="engine", good=True, found=found)


def _refused() -> Iterator[Check]:
    for entry in adapters.registered().refused:
        fix = "tell its maker, or pip uninstall the package"
        yield Check(name="engine package", good=False, found=entry.line, fix=fix)


def _folders() -> Iterator[Check]:
    for name, folder, variable in (
        ("state", config.state_dir(), "AIM_STATE_DIR"),
        ("data", config.data_dir(), "AIM_DATA_DIR"),
        ("cache", config.model_cache_dir(), "AIM_CACHE_DIR"),
    ):
        yield _folder(f"{name} folder", folder, variable)


def _folder(name: str, folder: Path, variable: str) -> Check:
    # Not `Path.exists`: that raises below a folder that may not be read.
    existing = next(each for each in (folder, *folder.parents) if os.path.exists(each))  # noqa: PTH110
    fix = f"set {variable} to a folder on another disk"
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        found = f"{folder} can't be written: {error.strerror}"
        return Check(name=name, good=False, found=found, fix=fix)
    found = f"{folder}, {free / GIB:.1f} GiB free"
    return Check(name=name, good=free > LITTLE_DISK_BYTES, found=found, fix=fix)


def _neighbours() -> Iterator[Check]:
    """Yield what other users of the node may spoil: the leases, and what they share."""
    try:
        with leases.opened(make=False):
            pass
    except StateUnusable as error:
        yield Check(name="leases", good=False, found=error.found, fix=error.hint)
    for user, number in serving.silent().items():
        found = f"{number} of the servers that {user} shares did not answer in time"
        yield Check(
            name="shares", good=False, found=found, fix=f"ask {user}; nobody waits for them"
        )


def _servers() -> Iterator[Check]:
    try:
        folders = list(serving.folders())
    except AimError as error:
        yield Check(name="servers", good=False, found=error.found, fix=error.hint)
        return
    for folder in folders:
        try:
            record = serving.current(folder)
        except ServerGone as error:
            yield Check(name="server", good=False, found=error.found, fix=error.hint)
            continue
        if record.state == "unknown":
            found = f"{folder.name}: {record.reason}"
            yield Check(name="server", good=False, found=found, fix=f"%aim stop {folder.name}")
        elif record.live and not os.access(folder.path / "key", os.R_OK):
            found = f"{folder.name}: its key file is gone, so no client can reach it"
            yield Check(name="server", good=False, found=found, fix=f"%aim stop {folder.name}")


def _containers() -> Iterator[Check]:
    """Yield the containers of this user's servers that have outlived them."""
    for box in containers.orphans():
        found = f"container {box.name} runs, and its server {Path(box.folder).name} has ended"
        fix = f"{box.program} rm --force {box.name}"
        yield Check(name="container", good=False, found=found, fix=fix)


def _recipes() -> Iterator[Check]:
    catalogue = recipes.catalogue()
    for problem in catalogue.problems:
        yield Check(name="recipe", good=False, found=problem.found, fix=problem.hint)
    if not catalogue.problems:
        yield Check(name="recipes", good=True, found=f"{len(catalogue.models)} models")


def _hub() -> Iterator[Check]:
    """Yield what a JupyterHub sees of this user's work, and what ends their servers."""
    if "JUPYTERHUB_USER" not in os.environ:
        return
    seen = (
        "its culler counts requests through its proxy (an open tab's, and those to a model) and "
        "what cells send; an engine that works by itself is no activity"
    )
    yield Check(name="hub", good=True, found=seen)
    boundary = os.environ.get("ROCR_VISIBLE_DEVICES")
    if boundary is not None:
        yield Check(name="hub", good=True, found=f"it gave GPUs: ROCR_VISIBLE_DEVICES={boundary}")
    if config.with_jupyter():
        ends = "servers end with this Jupyter server (AIM_WITH_JUPYTER=1), or their idle limit"
    elif detection.in_container():
        ends = "a stopped container ends all servers in it, whatever their idle limit"
    else:
        ends = "servers outlive this Jupyter server, until their idle limit (default: 60m)"
    yield Check(name="hub", good=True, found=ends)
