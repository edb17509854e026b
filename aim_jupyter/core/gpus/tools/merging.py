"""Two lists of the same GPUs, put together: by id, by address and partition, or by position."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import fields, replace

from aim_jupyter.core.records.gpu import Gpu

# By what two entries are the same device, the surest first. The KFD id tells partitions apart,
# and so do address and partition; all partitions of a GPU share the unique id.
_NAMES: tuple[Callable[[Gpu], object], ...] = (
    lambda gpu: gpu.gpu_id,
    lambda gpu: gpu.key,
    lambda gpu: gpu.unique_id_hex,
)
# Who said it is no fact about the GPU.
_NEVER_TAKEN = frozenset(["source"])


def joined(first: Sequence[Gpu], second: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Return `first` with what `second` knows besides; where one is empty, the other.

    Lists that name no device in common go by position: rocm-smi's ``--showmeminfo`` prints
    nothing but indices.
    """
    if not first or not second:
        return tuple(first or second)
    pairs = [partner(gpu, second) for gpu in first]
    if len(first) == len(second) and not any(pairs) and not all(map(_named, (*first, *second))):
        pairs = list(second)
    return tuple(
        filled(gpu, other) if other else gpu for gpu, other in zip(first, pairs, strict=True)
    )


def partner(gpu: Gpu, among: Sequence[Gpu]) -> Gpu | None:
    """Return the entry that is the same device, or None where none or several could be."""
    for name in _NAMES:
        own = name(gpu)
        hits = [other for other in among if own is not None and name(other) == own]
        if len(hits) == 1:
            return hits[0]
    return None


def filled(gpu: Gpu, other: Gpu) -> Gpu:
    """Return `gpu` with the fields that it does not know taken from `other`."""
    missing = {
        field.name: getattr(other, field.name)
        for field in fields(Gpu)
        if getattr(gpu, field.name) is None and field.name not in _NEVER_TAKEN
    }
    return replace(gpu, **missing)


def _named(gpu: Gpu) -> bool:
    return any(name(gpu) is not None for name in _NAMES)
