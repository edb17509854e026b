"""Downloads while they go on."""

from __future__ import annotations

from msgspec import Struct

from aim_jupyter.core.records.cached import CachedModel
from aim_jupyter.core.sizes import GIB, MIB


class Arriving(Struct, frozen=True, kw_only=True):
    """One file of a download, in bytes."""

    name: str
    size_bytes: int
    done_bytes: int


class Progress(Struct, frozen=True, kw_only=True):
    """A download at one moment.

    Attributes
    ----------
    done_bytes, total_bytes
        Of all files that the model needs; the total is None until the Hub has said it.
    rate : float or None
        Bytes per second over the last seconds.
    eta_s : float or None
        Seconds left at that rate.
    files : tuple of Arriving
        Largest first.
    """

    repo: str
    done_bytes: int
    total_bytes: int | None = None
    rate: float | None = None
    eta_s: float | None = None
    files: tuple[Arriving, ...] = ()

    @property
    def share(self) -> float | None:
        """The share that is done, None where the size is not known."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else None

    @property
    def detail(self) -> str:
        """What a card says: ``3.2 of 15.1 GiB · 210 MiB/s · about 57 s left``."""
        unit, scale = ("GiB", GIB) if (self.total_bytes or GIB) >= GIB else ("MiB", MIB)
        done = f"{self.done_bytes / scale:.1f}"
        of = f" of {self.total_bytes / scale:.1f}" if self.total_bytes else ""
        digits = 0 if (self.rate or 0) >= 10 * MIB else 1
        rate = f" · {self.rate / MIB:.{digits}f} MiB/s" if self.rate else ""
        left = f" · about {self.eta_s:.0f} s left" if self.eta_s else ""
        return f"{done}{of} {unit}{rate}{left}"


class Prefetch(Struct, frozen=True, kw_only=True):
    """Many downloads at one moment.

    Attributes
    ----------
    model : str
        The one that is on its way now, the `number`-th of `count`.
    progress : Progress or None
        None where nothing had to be downloaded.
    done : tuple of CachedModel
        What is whole now.
    """

    model: str
    number: int
    count: int
    progress: Progress | None = None
    done: tuple[CachedModel, ...] = ()
