"""A process that is not mistaken for another one."""

from __future__ import annotations

from msgspec import Struct


class ProcessId(Struct, frozen=True):
    """A process that can be told from a later one with the same number.

    Attributes
    ----------
    pid : int
    start : int
        Start time in clock ticks since boot, field 22 of ``/proc/<pid>/stat``.
    boot : str
        Boot id of the kernel: after a reboot nothing of before lives.
    """

    pid: int
    start: int
    boot: str
