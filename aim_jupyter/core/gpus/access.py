"""Whether this process could open a GPU, found out without opening anything.

Opening ``/dev/kfd`` would leave an entry in ``kfd/proc``, and an unconfigured render node spams the
kernel log (facts 5). `os.access` asks the kernel the same question, device cgroup included.
"""

from __future__ import annotations

import os
import stat

from msgspec import Struct

from aim_jupyter.core.gpus.tree import Reader

KFD = "dev/kfd"
DRI = "dev/dri"


class Access(Struct, frozen=True):
    """What `os.access` says of one GPU.

    Attributes
    ----------
    usable : bool or None
        None where the tree has no ``dev`` at all, as a captured machine may not.
    reason : str or None
        Why not, in a few words.
    passed : bool
        Whether its render node is there for this container; the runtime skips the GPU and
        numbers the others anew where it is not (libhsakmt ``topology.c``).
    """

    usable: bool | None = None
    reason: str | None = None
    passed: bool = True


class Doors:
    """``/dev/kfd`` and the render nodes of one tree."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known = reader.facts("dev") is not None
        self._nodes = frozenset(reader.names(DRI)) if self._known else frozenset[str]()
        self._kfd = self._refusal(KFD) if self._known else None

    def access(self, minor: int | None) -> Access:
        """Return what this process may do with the GPU that has this render minor."""
        if not self._known:
            return Access()
        name = f"renderD{minor}"
        if self._nodes and minor is not None and name not in self._nodes:
            return Access(usable=False, reason=f"{name} was not passed in", passed=False)
        if self._kfd is not None:
            return Access(usable=False, reason=self._kfd)
        if not self._nodes:
            return Access(usable=False, reason="/dev/dri is missing")
        if minor is None:
            return Access()
        refusal = self._refusal(f"{DRI}/{name}")
        # Denied by the cgroup is EPERM, which the runtime takes for "not mine" and skips.
        return Access(
            usable=refusal is None,
            reason=refusal,
            passed=refusal is None or "cgroup" not in refusal,
        )

    def _refusal(self, path: str) -> str | None:
        facts = self._reader.facts(path)
        if facts is None:
            return f"/{path} is missing"
        if self._reader.tree.allowed(path):
            return None
        if permitted(facts, os.geteuid(), (os.getegid(), *os.getgroups())):
            return f"/{path}: denied by the device cgroup"
        return f"/{path}: permission denied"


def permitted(facts: os.stat_result, user: int, groups: tuple[int, ...]) -> bool:
    """Return whether owner, group and mode alone would let this user read and write."""
    if user == 0:
        return True
    if facts.st_uid == user:
        needed = stat.S_IRUSR | stat.S_IWUSR
    elif facts.st_gid in groups:
        needed = stat.S_IRGRP | stat.S_IWGRP
    else:
        needed = stat.S_IROTH | stat.S_IWOTH
    return facts.st_mode & needed == needed
