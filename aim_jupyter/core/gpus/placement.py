"""Whether an engine sits on the GPUs that it was given, read from the kernel after its start.

Index spaces are easily confused (facts 2.1), and other tools ignore leases: what counts is where
the memory is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from aim_jupyter.core import config
from aim_jupyter.core.gpus import occupancy
from aim_jupyter.core.gpus.occupancy import LEAST_HELD_BYTES
from aim_jupyter.core.gpus.tree import DiskTree, Reader
from aim_jupyter.core.records.gpu import Gpu


class Placement(Struct, frozen=True, kw_only=True):
    """Where the processes of one engine hold memory.

    Attributes
    ----------
    good : bool or None
        None where the kernel does not tell: `found` says why.
    found : str
        One sentence.
    held_bytes : dict
        Bytes by gpu_id, of these processes alone.
    wrong, missing : tuple of int
        gpu_ids that they sit on uninvited, and given ones on which they hold nothing (yet).
    """

    good: bool | None
    found: str
    held_bytes: dict[int, int] = {}
    wrong: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()


def verify_placement(pids: Iterable[int], expected: Sequence[Gpu]) -> Placement:
    """Compare where these processes hold memory with the GPUs that they were given.

    Parameters
    ----------
    pids : iterable of int
        The engine and all its descendants.
    expected : sequence of Gpu
        What it was launched on.
    """
    reader = Reader(DiskTree(config.sys_root()))
    given = {gpu.gpu_id: gpu for gpu in expected if gpu.gpu_id is not None}
    uses = occupancy.uses(reader, whose=False)
    if uses is None or len(given) < len(expected):
        return Placement(good=None, found="The driver does not say which process holds which GPU.")
    wanted = frozenset(pids)
    held = {
        gpu_id: total
        for gpu_id, here in uses.items()
        if (total := sum(use.vram_bytes for use in here if use.pid in wanted)) >= LEAST_HELD_BYTES
    }
    if not held and not occupancy.counts_alike():
        return Placement(
            good=None, found="The driver counts the host's pids, not this container's."
        )
    return _judged(held, given)


def _judged(held: dict[int, int], given: dict[int, Gpu]) -> Placement:
    wrong = tuple(sorted(held.keys() - given.keys()))
    missing = tuple(gpu_id for gpu_id in given if gpu_id not in held)
    names = ", ".join(gpu.pci_bdf or f"gpu_id {gpu_id}" for gpu_id, gpu in given.items())
    if wrong:
        where = ", ".join(f"gpu_id {gpu_id}" for gpu_id in wrong)
        found = f"The engine was given {names} and holds memory on {where}."
    elif missing:
        found = (
            f"The engine holds no memory yet on {len(missing)} of the {len(given)} it was given."
        )
    else:
        found = f"The engine holds memory on {names}, as given."
    return Placement(
        good=not wrong and not missing, found=found, held_bytes=held, wrong=wrong, missing=missing
    )
