"""GPUs by name, for a machine that is only spoken of."""

from __future__ import annotations

import functools
import re
from importlib.resources import files

import msgspec
from msgspec import Struct

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.records.fit import Device, Family
from aim_jupyter.core.records.kinds import resolved

MOST = 4096  # GPUs of one machine


class _Known(Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    family: Family
    mib: int
    gfx: str | None = None


@functools.cache
def _known() -> dict[str, _Known]:
    text = files(__package__).joinpath("devices.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=resolved(dict[str, _Known]))


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
    key = re.sub(r"[\s_-]+", "", re.sub(r"\s*\d+\s*gb.*$", "", name.casefold()))
    found = _known().get(key)
    if found is None:
        raise UnknownName("GPU", name, _known(), "name its facts: total_bytes, family, count")
    if count and not (count.isdecimal() and 1 <= int(count) <= MOST):
        raise BadUsage(f"{machine!r} does not end in a number of GPUs.", f"write {name}:1")
    return Device(
        model=found.model,
        family=found.family,
        total_bytes=found.mib * 2**20,
        gfx=found.gfx,
        count=int(count or 1),
    )
