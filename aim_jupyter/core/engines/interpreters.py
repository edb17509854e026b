"""Python interpreters on disk, as far as they can be known without starting them."""

from __future__ import annotations

import itertools
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from aim_jupyter.core import adapters

# Where pip, Debian and conda put packages, below an interpreter's prefix.
_PACKAGES = (
    "lib*/python3*/site-packages",
    "lib/python3*/dist-packages",
    "local/lib/python3*/dist-packages",
)


def prefix(python: Path) -> Path:
    """Return the folder that an interpreter's packages lie under.

    For one of a virtual environment that is the environment, although its file is a link to an
    interpreter elsewhere.
    """
    environment = python.absolute().parent.parent
    if (environment / "pyvenv.cfg").is_file():
        return environment.resolve()
    return python.resolve().parent.parent


def identity(python: Path) -> tuple[Path, Path]:
    """Return what is equal for two paths of the same interpreter and environment."""
    return python.resolve(), prefix(python)


def engine_dist(under: Path) -> Path | None:
    """Return the metadata folder of the engine installed below a prefix, if there is one."""
    folders = [folder for pattern in _PACKAGES for folder in under.glob(pattern)]
    for name, folder in itertools.product(_distributions(), folders):
        for dist in sorted(folder.glob(f"{name}-*.dist-info")):
            return dist
    return None


def engine_version(under: Path) -> tuple[int, ...]:
    """Return the version of the engine installed below a prefix as numbers; empty without one."""
    dist = engine_dist(under)
    if dist is None:
        return ()
    version = dist.name.removesuffix(".dist-info").partition("-")[2]
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0]))


def _distributions() -> tuple[str, ...]:
    """Return the names of all distributions that hold an engine that is known."""
    return tuple(name for adapter in adapters.known() for name in adapter.distributions)


def suitable(versions: Sequence[str]) -> Path | None:
    """Return an interpreter of one of `versions` to build on: the one below this, else on the path.

    This one is preferred to a better version: it is known to work.
    """
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if own in versions:
        base = Path(sys.base_prefix) / "bin" / f"python{own}"
        return base if base.exists() else Path(sys.executable)
    found = filter(None, (shutil.which(f"python{version}") for version in versions))
    return next(map(Path, found), None)
