"""What a container was given, what of it lacks, and what to make of it: cache, home, processor.

An administrator starts an image in many ways: with a volume or without, with a read-only root, as
a user id that nobody has heard of (OpenShift), with a fraction of the machine. Each is usable where
somebody says so to the programs below, by variables; what can't be mended here is a `Check`.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import config
from aim_jupyter.core import gpus as detection
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import Check, Machine
from aim_jupyter.core.sizes import GIB

#: The cache's layout, and the mode of each folder, as the seed has them.
FOLDERS = ("models", "tokenizers", "configs", "datasets")
MODE = 0o755

# What names the cache, in this tool and in the libraries of an engine. vLLM reads the last one.
_CACHES = (
    "AIM_CACHE_DIR",
    "HF_HOME",
    "HF_DATASETS_CACHE",
    "TRANSFORMERS_CACHE",
    "VLLM_CACHE_DIR",
    "VLLM_CACHE_ROOT",
)

# What every program takes, whatever TMPDIR says, and what the parts of an engine share.
_TEMPORARY = Path("/tmp")  # noqa: S108
_SHARED = Path("/dev/shm")  # noqa: S108

# Engines that share the work of several GPUs talk through it; docker gives 64 MiB. That 1 GiB is
# little is our judgement; vLLM's documentation asks for ``--ipc=host`` or ``--shm-size``.
_LITTLE_SHM_BYTES = GIB


class Place(Struct, frozen=True, kw_only=True):
    """What a program in this container is to be told, and what is wrong.

    Attributes
    ----------
    variables : dict of str
        To be set; those that are right already are not among them.
    checks : tuple of Check
        What the devices are, and all that is wrong with the rest.
    """

    variables: dict[str, str]
    checks: tuple[Check, ...]


def look(machine: Machine, environ: Mapping[str, str]) -> Place:
    """Return what programs are to be told here; no folder is made for it.

    Parameters
    ----------
    machine : Machine
        As detected.
    environ : mapping of str
        The variables as the container was given them.

    Raises
    ------
    StateUnusable
        If there is no room for temporary files: nothing starts then.
    """
    if not _writable(_TEMPORARY):
        closed = f"{_TEMPORARY} can't be written."
        raise StateUnusable(closed, f"start the container with --tmpfs {_TEMPORARY}")
    home, wrong_home = _home(environ)
    cache, wrong_cache = _cache(environ, home)
    devices = detection.findings(machine)
    found = [*devices, *wrong_home, *wrong_cache, *_shared_memory(machine)]
    told = {"HOME": str(home), **_user(environ), **cache, **_threads(machine, environ)}
    changed = {name: value for name, value in told.items() if environ.get(name) != value}
    return Place(variables=changed, checks=tuple(found))


def prepare_cache(owner: tuple[int, int] | None = None) -> None:
    """Make the cache with its layout, where it is missing.

    Parameters
    ----------
    owner : tuple of int, optional
        User and group that all of it is to belong to; what is in the folders is left as it is.

    Raises
    ------
    StateUnusable
        If it can't be written.
    """
    root = config.model_cache_dir()
    try:
        for folder in (root, *(root / name for name in FOLDERS)):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(MODE)  # mkdir took the umask off
            if owner is not None:
                os.chown(folder, *owner)
    except OSError as error:
        raise StateUnusable(
            f"{root} can't be prepared: {error.strerror}.", _advice(root)
        ) from error


def device_groups() -> list[int]:
    """Return the groups that open the GPUs' device files here, whatever they are called."""
    root = config.sys_root()
    files = [root / "dev/kfd", *sorted((root / "dev/dri").glob("renderD*"))]
    return sorted({file.stat().st_gid for file in files if file.exists()} - {0})


def _home(environ: Mapping[str, str]) -> tuple[Path, list[Check]]:
    """Return a home that can be written: the given one, else one that lasts as long as we do."""
    given = Path(environ.get("HOME") or "/")
    if given != Path("/") and _writable(given):
        return given, []
    # Found again by `docker exec`, which comes through here as well.
    instead = _TEMPORARY / f"aim-home-{os.getuid()}"
    wrong = Check(
        name="home",
        good=False,
        found=f"{given} can't be written by {config.user()}: {instead} is the home,"
        " and goes with the container.",
        fix=f"start the container with --tmpfs {given}:mode=1777, or a volume there",
    )
    return instead, [wrong]


def _cache(environ: Mapping[str, str], home: Path) -> tuple[dict[str, str], list[Check]]:
    """Return where models go: the volume; where that can only be read, it is read and no more."""
    root = Path(environ.get("AIM_CACHE_DIR") or home / ".cache/huggingface/hub")
    if _writable(root):
        return {}, []
    own = home / ".cache/aim-models"
    shared = [environ.get("AIM_SHARED_CACHE_DIR", ""), str(root)]
    told = {name: str(own) for name in _CACHES if name in environ}
    told |= {"AIM_CACHE_DIR": str(own), "AIM_SHARED_CACHE_DIR": ":".join(filter(None, shared))}
    wrong = Check(
        name="cache",
        good=False,
        found=f"{root} can't be written by {config.user()}: it is only read,"
        f" and downloads go to {own}, with the container.",
        fix=_advice(root),
    )
    return told, [wrong]


def _user(environ: Mapping[str, str]) -> dict[str, str]:
    """Name a user id that has no name: torch asks for one before anything else works."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return {name: environ.get(name) or "aim-engine" for name in ("USER", "LOGNAME")}
    return {}


def _threads(machine: Machine, environ: Mapping[str, str]) -> dict[str, str]:
    """Hold an engine on the CPU to the cores that the cgroup allows: it counts the host's.

    ``nobind``: else vLLM ties a thread to each core that it may be scheduled on, quota or not.
    """
    cores = machine.cpu.cores
    if any(gpu.usable for gpu in machine.gpus) or cores is None:
        return {}
    if "OMP_NUM_THREADS" in environ or cores >= len(os.sched_getaffinity(0)):
        return {}
    return {"OMP_NUM_THREADS": str(cores), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}


def _shared_memory(machine: Machine) -> Iterator[Check]:
    usable = sum(bool(gpu.usable) for gpu in machine.gpus)
    try:
        size = os.statvfs(_SHARED)
    except OSError:
        return
    have = size.f_frsize * size.f_blocks
    if usable > 1 and have < _LITTLE_SHM_BYTES:
        yield Check(
            name="shared memory",
            good=False,
            found=f"{_SHARED} has {have >> 20} MiB: an engine on several GPUs needs more.",
            fix="start the container with --ipc=host"
            " (Kubernetes: a volume emptyDir with medium Memory there)",
        )


def _writable(folder: Path) -> bool:
    """Whether this user may write there, or where it would have to be made."""
    while not os.path.lexists(folder):
        folder = folder.parent
    # Not `os.access` alone: root may write anywhere but on a read-only file system.
    read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
    return stat.S_ISDIR(folder.stat().st_mode) and os.access(folder, os.W_OK) and not read_only


def _advice(root: Path) -> str:
    return (
        f"mount a volume there: docker's own (-v models:{root}), or a folder of the host"
        f" after chown {os.getuid()} FOLDER (Kubernetes: fsGroup)"
    )
