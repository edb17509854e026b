"""What may stop a start that has room enough for its KV cache."""

from __future__ import annotations

from msgspec import Struct

from aim_jupyter.core.records.fit import Band, Device, FitVerdict, Settings
from aim_jupyter.core.sizes import GIB


class Obstacle(Struct, frozen=True):
    """The best verdict that is left, and why.

    Attributes
    ----------
    refused : bool
        Whether the engine itself says no before it loads anything.
    """

    verdict: FitVerdict
    reason: str
    refused: bool = False


def obstacle(
    settings: Settings, device: Device, budget: int, taken: Band, outside: Band
) -> Obstacle | None:
    """Return what stands in the way, None where nothing does.

    Parameters
    ----------
    budget : int
        The engine's share of the total, bytes.
    taken : Band
        Weights and overhead, bytes.
    outside : Band
        What the engine takes after it has sized its KV cache, bytes.
    """
    if settings.kv_cache_bytes is not None:
        return _fixed(settings.kv_cache_bytes, device, taken, outside)
    free = device.free
    if free < budget:
        asked = f"{free / GIB:.1f} GiB free, the engine asks for {budget / GIB:.1f}"
        return Obstacle("NO", asked, refused=True)
    room = free - budget
    if outside.high > room:
        needed = f"graphs may need {outside.high / GIB:.1f} GiB"
        return Obstacle("TIGHT", f"{needed}, {room / GIB:.1f} are left free")
    return None


def _fixed(kv: int, device: Device, taken: Band, outside: Band) -> Obstacle | None:
    """Return what stands in the way of a KV cache of a size that is not the engine's choice."""
    most = taken.high + kv + outside.high
    if most <= device.free:
        return None
    verdict: FitVerdict = "NO" if taken.low + kv > device.free else "TIGHT"
    return Obstacle(verdict, f"{most / GIB:.1f} GiB in all, {device.free / GIB:.1f} are free")
