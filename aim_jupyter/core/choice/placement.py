"""On which devices: concrete, free, of one kind and one size, close to each other.

What a fit sees of those that were taken is one device: alike, with the free memory of the fullest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable

from aim_jupyter.core.devices import described, is_unknown, kind_name
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.records import Gpu, Machine

#: What keeps devices close, closest first.
_CLOSE: tuple[Callable[[Gpu], Hashable], ...] = (
    lambda gpu: gpu.hive_id or 0,
    lambda gpu: gpu.numa_node,
)


def usable(machine: Machine) -> list[Gpu]:
    """Return the devices that this notebook could use, busy or not."""
    return [gpu for gpu in machine.gpus if gpu.usable is not False and gpu.state != "hidden"]


def kinds_of(machine: Machine) -> tuple[str, ...]:
    """Return the kinds of GPU that recipes exist for, as far as the machine has them."""
    models = {gpu.model for gpu in usable(machine)}
    return tuple(sorted(kind for kind in {kind_name(model) for model in models} if kind))


def strangers(machine: Machine) -> tuple[str, ...]:
    """Return the GPUs that no table knows, where they are all that a machine has.

    No recipe can be for them, and none for the CPU is what their owner wants.
    """
    if kinds_of(machine):
        return ()
    return tuple(dict.fromkeys(map(described, filter(is_unknown, usable(machine)))))


class Devices:
    """The devices of one kind on a machine.

    Parameters
    ----------
    among : iterable of int or None
        HIP ordinals to choose from, else all.

    Raises
    ------
    GpuUnavailable
        If there is none of that kind; what was found says so in a few words.
    """

    def __init__(self, machine: Machine, kind: str, among: Iterable[int] | None) -> None:
        there = usable(machine)
        models = {model for model in {gpu.model for gpu in there} if kind_name(model) == kind}
        present = [gpu for gpu in there if gpu.model in models]
        if not present:
            raise GpuUnavailable(f"for {kind}; this machine has {models_of(machine)}")
        if among is not None:
            present = [gpu for gpu in present if gpu.hip_index in set(among)]
        self._present = present
        self._free = [
            gpu for gpu in present if gpu.state in (None, "free") and gpu.hip_index is not None
        ]
        self._sizes = _groups(self._free, lambda gpu: (gpu.vram_bytes, gpu.compute_partition))

    def place(self, count: int) -> tuple[Gpu, ...]:
        """Return `count` free ones.

        All are of one size. Those within one xGMI hive come first, then those on one NUMA node; of
        several groups that suffice the smallest is taken, so that large ones stay whole.

        Raises
        ------
        GpuUnavailable
            If there are not so many; what was found says why in a few words.
        """
        enough = [group for group in self._sizes if len(group) >= count]
        if not enough:
            raise GpuUnavailable(_too_few(count, self._present, self._free))
        return tuple(sorted(_closest(_smallest(enough), count, _CLOSE), key=_ordinal))


def _closest(
    gpus: list[Gpu], count: int, close: tuple[Callable[[Gpu], Hashable], ...]
) -> list[Gpu]:
    if not close:
        return sorted(gpus, key=_ordinal)[:count]
    groups = _groups(gpus, close[0])
    enough = [group for group in groups if len(group) >= count]
    if enough:
        return _closest(_smallest(enough), count, close[1:])
    # Over several groups: whole ones first, so that few links leave a group.
    spread = sorted(groups, key=lambda group: (-len(group), _ordinal(group[0])))
    return [gpu for group in spread for gpu in group][:count]


def _groups(gpus: Iterable[Gpu], key: Callable[[Gpu], Hashable]) -> list[list[Gpu]]:
    groups: dict[Hashable, list[Gpu]] = defaultdict(list)
    for gpu in gpus:
        groups[key(gpu)].append(gpu)
    return list(groups.values())


def _smallest(groups: list[list[Gpu]]) -> list[Gpu]:
    return min(groups, key=lambda group: (len(group), _ordinal(group[0])))


def _ordinal(gpu: Gpu) -> int:
    return gpu.hip_index or 0


def models_of(machine: Machine) -> str:
    """Return the GPUs of a machine in words, those that nobody knows with all that is seen."""
    unknown = strangers(machine)
    if unknown:
        return f"an unknown GPU, {', '.join(unknown)}"
    names = sorted({gpu.model or gpu.name or "an unknown GPU" for gpu in usable(machine)})
    return ", ".join(names) or ("no usable GPU" if machine.gpus else "no GPU")


def _too_few(count: int, present: list[Gpu], free: list[Gpu]) -> str:
    needs = f"needs {count} GPU{'s' * (count > 1)}"
    if len(present) < count:
        return f"{needs}, there {'is' if len(present) == 1 else 'are'} {len(present)}"
    if not free:
        return f"{needs}, none is free"
    if len(free) >= count:
        return f"{needs} of one size"
    ordinals = ", ".join(str(gpu.hip_index) for gpu in free)
    return f"{needs}, {len(free)} {'is' if len(free) == 1 else 'are'} free: {ordinals}"
