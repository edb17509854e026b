"""What a machine must have for an engine to be installed: facts, and pure checks on them."""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import config, versions
from aim_jupyter.core.engines import interpreters
from aim_jupyter.core.engines.sources import Recipe, Source


class Host(Struct, frozen=True, kw_only=True):
    """What matters of this machine.

    Attributes
    ----------
    machine : str
        Such as ``x86_64``.
    glibc : str or None
        Such as ``2.36``; None where the C library is another.
    python : Path or None
        A suitable interpreter to build on.
    free_bytes : int
        On the disk that the environment goes to.
    kfd : bool or None
        Whether this user may open ``/dev/kfd``; None where it is missing.
    gfx : tuple of str
        GPU architectures that the driver shows, such as ``gfx942``.
    """

    machine: str
    glibc: str | None
    python: Path | None
    free_bytes: int
    kfd: bool | None
    gfx: tuple[str, ...]


def look(recipe: Recipe, folder: Path) -> Host:
    """Return the facts of this machine for an environment below `folder`."""
    kfd = config.sys_root() / "dev/kfd"
    return Host(
        machine=platform.machine(),
        glibc=_glibc(),
        python=interpreters.suitable(recipe.pythons),
        free_bytes=shutil.disk_usage(folder).free,
        kfd=os.access(kfd, os.R_OK | os.W_OK) if kfd.exists() else None,
        gfx=_architectures(),
    )


def lacking(recipe: Recipe, host: Host) -> list[str]:
    """Return what this machine lacks for any source of `recipe`; empty where it will do."""
    return [
        *([] if host.python else [f"Python {' or '.join(recipe.pythons)} is not found"]),
        *_older_glibc(recipe.glibc, host),
        *(_no_gpu(recipe, host) if recipe.gfx else []),
    ]


def against(source: Source, host: Host) -> str:
    """Return why `source` is of no use on this machine; empty where it is."""
    if source.machines and host.machine not in source.machines:
        return f"it is built for {' and '.join(source.machines)}, this machine is {host.machine}"
    if host.free_bytes < source.disk_gb * 1e9:
        return f"it takes {source.disk_gb:g} GB, {host.free_bytes / 1e9:.1f} GB are free"
    return "".join(_older_glibc(source.glibc, host))


def _no_gpu(recipe: Recipe, host: Host) -> list[str]:
    if host.kfd is None:
        return ["/dev/kfd is missing: no AMD GPU driver, or a container without --device /dev/kfd"]
    if not host.kfd:
        return ["/dev/kfd is closed to this user: join its group, usually render or video"]
    if not set(recipe.gfx) & set(host.gfx):
        here = ", ".join(host.gfx) or "no GPU"
        return [f"its wheels are for {', '.join(recipe.gfx)}; here is {here}"]
    return []


def _older_glibc(wanted: str, host: Host) -> list[str]:
    if not wanted or (host.glibc and versions.within(host.glibc, f">={wanted}")):
        return []
    return [f"it needs glibc {wanted} or newer, here is {host.glibc or 'another C library'}"]


def _glibc() -> str | None:
    name, version = platform.libc_ver()
    return version if name == "glibc" else None


def _architectures() -> tuple[str, ...]:
    """Return the architectures in the kernel's topology, whose 90402 reads ``gfx942``."""
    found = []
    nodes = config.sys_root() / "sys/class/kfd/kfd/topology/nodes"
    for path in sorted(nodes.glob("*/properties")):
        version = re.search(r"^gfx_target_version (\d+)$", path.read_text(), re.MULTILINE)
        if version and int(version[1]):
            major, rest = divmod(int(version[1]), 10000)
            found.append(f"gfx{major}{rest // 100:x}{rest % 100:x}")
    return tuple(dict.fromkeys(found))
