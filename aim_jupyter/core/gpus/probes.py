"""Where GPUs come from: probes of the entry-point group ``aim_jupyter.probes``.

A probe is a callable that takes the root of a file system and returns a `Sighting`. The AMD one
registers through the same group; a foreign one does so in its own ``pyproject.toml``::

    [project.entry-points."aim_jupyter.probes"]
    acme = "acme_gpus:look"

One that can't be loaded or called so is refused at registration, and the reason is told.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core.gpus import inventory, occupancy
from aim_jupyter.core.gpus.occupancy import Use
from aim_jupyter.core.gpus.tree import DiskTree, Reader
from aim_jupyter.core.records.gpu import Gpu

GROUP = "aim_jupyter.probes"

# Registered like any other; named here as well for a checkout whose metadata is not installed.
_OWN = EntryPoint("amd", "aim_jupyter.core.gpus.probes:amd", GROUP)


class Sighting(Struct, frozen=True, kw_only=True):
    """What one probe has found.

    Attributes
    ----------
    gpus : tuple of Gpu
        With `rocr_index` where the ROCm runtime lists them; state and holder are filled in later.
    notes : tuple of str
        What is worth saying about the reading.
    held : mapping or None
        What processes hold, by `Gpu.gpu_id`; None where that can't be known.
    """

    gpus: tuple[Gpu, ...] = ()
    notes: tuple[str, ...] = ()
    held: Mapping[int, Sequence[Use]] | None = None


Probe = Callable[[Path], Sighting]


class Registry(Struct, frozen=True):
    """The probes by name, and why others were refused."""

    probes: dict[str, Probe]
    refused: tuple[str, ...] = ()


def amd(root: Path) -> Sighting:
    """Look for AMD GPUs below `root`, in sysfs alone."""
    reader = Reader(DiskTree(root))
    gpus = inventory.gpus(reader)
    # A captured machine's pids are what its maker put there, so they are looked up as they stand.
    whose = root != Path("/") or occupancy.counts_alike()
    held = occupancy.uses(reader, whose=whose) if gpus else None
    return Sighting(gpus=gpus, notes=tuple(reader.notes), held=held)


@functools.cache
def registered() -> Registry:
    """Load and check all probes, once a process: a package installed later needs a new one."""
    found = {point.name: point for point in (_OWN, *entry_points(group=GROUP))}
    probes: dict[str, Probe] = {}
    refused = []
    for name, point in found.items():
        try:
            probes[name] = checked(point.load())
        except Exception as error:  # noqa: BLE001 - foreign code, whose every failure is told
            refused.append(f"Probe {name} ({point.value}) was refused: {_told(error)}.")
    return Registry(probes, tuple(refused))


def checked(probe: object) -> Probe:
    """Return `probe` if it can be called with one path, positionally.

    Raises
    ------
    TypeError
        If it can't.
    """
    if not callable(probe):
        raise TypeError(f"{type(probe).__name__} is no function")
    inspect.signature(probe).bind(Path("/"))
    return probe


def look(name: str, probe: Probe, root: Path) -> Sighting:
    """Call a probe; a failing foreign one has seen nothing, and says so."""
    if probe is amd:
        return amd(root)  # a failure of our own is a defect, and keeps its traceback
    try:
        sighting = probe(root)
    except Exception as error:  # noqa: BLE001 - foreign code, whose every failure is told
        return Sighting(notes=(f"Probe {name} failed: {_told(error)}.",))
    if isinstance(sighting, Sighting) and all(isinstance(gpu, Gpu) for gpu in sighting.gpus):
        return sighting
    return Sighting(notes=(f"Probe {name} returned {type(sighting).__name__}, not a Sighting.",))


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".: ")
