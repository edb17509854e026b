"""PCI addresses, and where KFD hides the partition in them.

A partition of an MI300 shows up in KFD with its physical GPU's address and its own index in the
function bits (`kfd_topology_add_device` ORs ``node_id`` into ``location_id``); newer stacks put it
into bits 31:28 [facts 1.2]. Only function 0 exists on the PCI bus.
"""

from __future__ import annotations

import re

from msgspec import Struct

from aim_jupyter.core.gpus.tree import U32

_BDF = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([01][0-9a-f])\.([0-7])")
_RESERVED = 0x0FFF0000
_MOST_PARTITIONS = 8


class Address(Struct, frozen=True):
    """Where a device sits on the PCI bus; `function` counts partitions on an MI300."""

    domain: int
    bus: int
    device: int
    function: int

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.device:02x}.{self.function:x}"

    @property
    def slot(self) -> str:
        """The address without its function: the same for all partitions of a GPU."""
        return f"{self.domain:04x}:{self.bus:02x}:{self.device:02x}"


def parse(text: str | None) -> Address | None:
    """Return the address written as ``0000:0c:00.0``, in either case, or None."""
    hit = _BDF.fullmatch((text or "").strip().lower())
    return Address(*(int(part, 16) for part in hit.groups())) if hit else None


def from_location(location: int | None, domain: int | None) -> Address | None:
    """Return the address in KFD's ``location_id``, or None where it can't be one.

    Bus and device 0 are the host bridge, and the middle bits are reserved: a number that sets
    them is damaged, and an address read from it would be invented.
    """
    if location is None or not 0 < location <= U32 or location & _RESERVED:
        return None
    partition = location >> 28
    if partition >= _MOST_PARTITIONS or not location & 0xFFF8 or (domain or 0) > U32:
        return None
    return Address(
        domain or 0, location >> 8 & 0xFF, location >> 3 & 0x1F, (location & 7) or partition
    )
