"""What a server takes of its machine: CPU time and memory of its processes, GPUs, disk.

Measured here, 3 processes of vLLM on the CPU (2 cores, busy): their CPU times 0.1 ms, finding them
among 150 processes 6 ms, their proportional set size 50 to 110 ms. So each is read as often as it
is worth: times and sensors every second, the rest less often; between, what was last read holds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from aim_jupyter.core import config, metrics
from aim_jupyter.core.gpus import Cards
from aim_jupyter.core.records import ProcessId
from aim_jupyter.core.serving.state.process import cpu_ticks, memory_bytes

#: Seconds between two looks for the server's processes, and at their memory.
PROCESSES_S = 10.0
MEMORY_S = 60.0
#: Seconds between two looks at the disk: a download fills it at a GiB or less a second.
DISK_S = 10.0

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Resources:
    """Looks at what one server takes, again and again.

    Parameters
    ----------
    leader : ProcessId or None
        Of the engine's process group.
    gpus : sequence of int
        HIP ordinals of its GPUs.
    find : callable
        Returns the engine's processes; none where they can't be seen.
    """

    def __init__(
        self, leader: ProcessId | None, gpus: Sequence[int], find: Callable[[], list[int]]
    ) -> None:
        self._find = find
        self._cards = Cards(gpus)
        self._due: dict[str, float] = {}
        self._pids: list[int] = []
        self._most = 0
        self._ticks: dict[int, int] = {}
        self._spent = 0
        # What lasts: the engine's start, and what is looked at now and then.
        self._held: dict[str, float | None] = {}
        if leader is not None:
            self._held[metrics.STARTED] = leader.start / _TICKS_A_SECOND

    @property
    def lost(self) -> int:
        """How many processes fewer there are than there once were."""
        return self._most - len(self._pids)

    def read(self, now: float) -> dict[str, float]:
        """Return the figures of `metrics.RESOURCES` that are known now.

        Parameters
        ----------
        now : float
            Seconds since the epoch.
        """
        if self._is_due("processes", now, PROCESSES_S):
            self._pids = self._find()
            self._most = max(self._most, len(self._pids))
        if self._is_due("memory", now, MEMORY_S):
            self._held["memory_bytes"] = memory_bytes(self._pids)
        if self._is_due("disk", now, DISK_S):
            self._held["disk_free_bytes"] = _free(config.model_cache_dir())
        sensors = self._cards.read()
        found = {
            "cpu_s": self._cpu_s(),
            **self._held,
            **{name: getattr(sensors, name) for name in sensors.__struct_fields__},
        }
        return {name: float(value) for name, value in found.items() if value is not None}

    def _is_due(self, what: str, now: float, every_s: float) -> bool:
        # A clock that was put back makes it due as well.
        due = not self._due.get(what, 0.0) - every_s <= now < self._due.get(what, 0.0)
        if due:
            self._due[what] = now + every_s
        return due

    def _cpu_s(self) -> float | None:
        """Return the CPU time of all processes so far: one that ends takes nothing of it away."""
        ticks = {pid: spent for pid in self._pids if (spent := cpu_ticks(pid)) is not None}
        if not ticks:
            return None
        self._spent += sum(max(0, spent - self._ticks.get(pid, 0)) for pid, spent in ticks.items())
        self._ticks = ticks
        return self._spent / _TICKS_A_SECOND


def _free(path: Path) -> int | None:
    """Return the bytes that are free where `path` is or will be, None where nobody can tell."""
    there = next((folder for folder in (path, *path.parents) if folder.exists()), None)
    with contextlib.suppress(OSError):
        return shutil.disk_usage(there).free if there else None
    return None
