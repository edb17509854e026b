"""What the doctor looks at besides the GPUs: rights, devices, drivers and the surroundings."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import config, leases, users
from aim_jupyter.core.gpus import access, drm, masks, occupancy, topology
from aim_jupyter.core.gpus.drm import hexadecimal
from aim_jupyter.core.gpus.tree import DiskTree, Reader

# Display controllers, processing accelerators: what a GPU announces itself as (PCI class code).
_GPU_CLASSES = ("0x03", "0x12")
_VARIABLES = (*masks.VARIABLES, "HSA_OVERRIDE_GFX_VERSION", "RAY_ADDRESS", "RAY_JOB_ID")


class Door(Struct, frozen=True, kw_only=True):
    """A device file that has to be opened: ``/dev/kfd`` or a render node.

    Attributes
    ----------
    allowed : bool
        What the kernel answers to this process (`os.access`).
    permitted : bool
        What owner, group and mode alone would answer: if that differs, a cgroup is in between.
    """

    path: str
    gid: int
    group: str | None
    allowed: bool
    permitted: bool


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that `symptoms` judges, read once.

    Attributes
    ----------
    groups, listed_groups : tuple of int
        Groups that this process has, and those that the user database gives its user.
    devices : bool
        Whether there is a ``/dev``: a captured machine may come without.
    kfd : Door or None
        None where ``/dev/kfd`` is missing.
    renders : tuple of Door
        The render nodes of the listed GPUs that are there.
    lease_owner : str or None
        Who owns the folder of the leases, where that is a user other than this one.
    pci_gpus : tuple of str
        AMD GPUs on the PCI bus; read only where there is no KFD topology.
    """

    user: str
    groups: tuple[int, ...]
    listed_groups: tuple[int, ...]
    topology: bool
    devices: bool
    kfd: Door | None
    renders: tuple[Door, ...]
    render_names: tuple[str, ...]
    pci_gpus: tuple[str, ...]
    driver_loaded: bool
    wsl: bool
    virtual: bool
    container: bool
    foreign_pids: bool
    npu: bool
    amd_groups: tuple[str, ...]
    environ: dict[str, str]
    lease_folder: str = ""
    lease_owner: str | None = None


def read(environ: Mapping[str, str], minors: tuple[int, ...] = ()) -> Facts:
    """Read all facts below `config.sys_root`; `minors` are the listed GPUs' render nodes."""
    reader = Reader(DiskTree(config.sys_root()))
    listed = reader.facts(topology.TOPOLOGY) is not None
    names = tuple(reader.names(access.DRI))
    renders = (_door(reader, f"{access.DRI}/renderD{minor}") for minor in minors)
    return Facts(
        user=users.name(os.geteuid()),
        groups=tuple(sorted({os.getegid(), *os.getgroups()})),
        listed_groups=_listed_groups(),
        topology=listed,
        devices=reader.facts("dev") is not None,
        kfd=_door(reader, access.KFD),
        renders=tuple(door for door in renders if door),
        render_names=tuple(name for name in names if name.startswith("renderD")),
        pci_gpus=() if listed else _pci_gpus(reader),
        driver_loaded=reader.facts("sys/module/amdgpu") is not None,
        wsl=reader.facts("dev/dxg") is not None,
        virtual="hypervisor" in (Reader(DiskTree(Path("/"))).text("proc/cpuinfo") or ""),
        container=in_container(reader),
        foreign_pids=not occupancy.counts_alike(),
        npu=reader.facts("sys/module/amdxdna") is not None,
        amd_groups=tuple(name for name in ("render", "video") if _gid(name) is not None),
        lease_folder=str(leases.path()),
        lease_owner=_owner(leases.path()),
        environ={name: environ[name] for name in _VARIABLES if name in environ},
    )


def _door(reader: Reader, path: str) -> Door | None:
    facts = reader.facts(path)
    if facts is None:
        return None
    return Door(
        path=f"/{path}",
        gid=facts.st_gid,
        group=_group(facts.st_gid),
        allowed=reader.tree.allowed(path),
        permitted=access.permitted(facts, os.geteuid(), (os.getegid(), *os.getgroups())),
    )


def _pci_gpus(reader: Reader) -> tuple[str, ...]:
    """Return the AMD GPUs on the bus, driven or not."""
    return tuple(
        name
        for name in reader.names(drm.PCI)
        if (reader.text(f"{drm.PCI}/{name}/class") or "").startswith(_GPU_CLASSES)
        and hexadecimal(reader.text(f"{drm.PCI}/{name}/vendor")) == topology.AMD
    )


def in_container(reader: Reader | None = None) -> bool:
    """Return whether this is a container: docker's mark, podman's, or a variable that says so.

    ``container`` is what systemd's container interface asks of managers; our image sets it too.
    """
    reader = reader or Reader(DiskTree(Path("/")))
    marks = (".dockerenv", "run/.containerenv")
    return any(reader.facts(mark) is not None for mark in marks) or any(
        os.environ.get(name) for name in ("KUBERNETES_SERVICE_HOST", "APPTAINER_NAME", "container")
    )


def _owner(folder: Path) -> str | None:
    """Return who owns a folder, unless it is root, this user, or not there."""
    try:
        uid = folder.stat().st_uid
    except OSError:
        return None
    if uid in (0, os.geteuid()):
        return None
    return users.name(uid)


def _listed_groups() -> tuple[int, ...]:
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        return ()
    return tuple(sorted(os.getgrouplist(entry.pw_name, entry.pw_gid)))


def _group(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:  # a group of the host that this container does not know
        return None


def _gid(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
