"""GPUs by name, for a machine that is only spoken of."""

from __future__ import annotations

from aim_jupyter.core import devices
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.records.fit import Device

MOST = 4096  # GPUs of one machine


def device(machine: str) -> Device:
    """Return the GPUs of a machine such as ``mi300x:8``; without a number it has one.

    A size that belongs to the name, as in ``H100-80GB``, is left aside.

    Raises
    ------
    UnknownName
        If the name is not known.
    BadUsage
        If the number is none.

    Examples
    --------
    >>> device("h200:8").count
    8
    """
    name, _, count = machine.partition(":")
    found = devices.typed(name)
    if found is None or found.reported_bytes is None:
        known = [row.key for row in devices.devices() if row.reported_bytes and row.model]
        raise UnknownName("GPU", name, known, "name its facts: total_bytes, family, count")
    if count and not (count.isdecimal() and 1 <= int(count) <= MOST):
        raise BadUsage(f"{machine!r} does not end in a number of GPUs.", f"write {name}:1")
    return Device(
        model=found.model or name,
        family=found.family,
        total_bytes=found.reported_bytes,
        gfx=found.gfx,
        count=int(count or 1),
    )
