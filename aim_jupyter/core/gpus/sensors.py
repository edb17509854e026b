"""What the sensors of a server's own GPUs say, cheaply enough for every second.

Four files a GPU, of which the folder is looked up once; `machine` reads everything of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from aim_jupyter.core import config
from aim_jupyter.core.gpus import drm, snapshot
from aim_jupyter.core.gpus.tree import DiskTree, Reader

N = TypeVar("N", int, float)


class Sensors(Struct, frozen=True, kw_only=True):
    """GPUs together: memory (bytes) and power (W) added up, load averaged, the hottest one.

    What one of them does not tell is None for all: a sum of some would be wrong.
    """

    vram_used_bytes: int | None = None
    busy_pct: float | None = None
    power_w: float | None = None
    temp_c: float | None = None


class Cards:
    """The cards that a server's GPUs sit on; partitions of one card share its sensors.

    Parameters
    ----------
    ordinals : sequence of int
        HIP ordinals.
    root : Path, optional
        Where ``sys`` is, else that of this machine.
    """

    def __init__(self, ordinals: Sequence[int], root: Path | None = None) -> None:
        self._reader = Reader(DiskTree(root or config.sys_root()))
        wanted = [gpu for gpu in snapshot.machine().gpus if gpu.hip_index in ordinals]
        by_address = drm.find(self._reader) if wanted else {}
        # The folder of a partition is that of its card, whose function is 0.
        cards = {f"{gpu.pci_bdf[:-1]}0" for gpu in wanted if gpu.pci_bdf}
        self._folders = [by_address[card] for card in sorted(cards) if card in by_address]

    def read(self) -> Sensors:
        """Return what they say now."""
        if not self._folders:
            return Sensors()
        cards = [drm.read_sensors(self._reader, folder) for folder in self._folders]
        memory = _known([card.vram_used_bytes for card in cards])
        busy = _known([card.busy_pct for card in cards])
        power = _known([card.power_w for card in cards])
        heat = _known([card.temp_c for card in cards])
        return Sensors(
            vram_used_bytes=sum(memory) if memory else None,
            busy_pct=sum(busy) / len(busy) if busy else None,
            power_w=sum(power) if power else None,
            temp_c=max(heat) if heat else None,
        )


def _known(values: list[N | None]) -> list[N]:
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else []
