"""Which GPUs a process sees: the visibility variables, with the rules that the runtimes have.

ROCr filters first and numbers what is left from 0; HIP then selects within that (facts 2.2). The
details are those of ``amd_filter_device.cpp`` (ROCr) and of `Device::init` in ``rocdevice.cpp``
(HIP): ROCr stops at the first bad, ambiguous or repeated entry, HIP at the first bad one; ROCr
reads an empty value as "no GPU", HIP as "not set".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core.records.gpu import Gpu, Machine

ROCR = "ROCR_VISIBLE_DEVICES"
HIP = "HIP_VISIBLE_DEVICES"
CUDA = "CUDA_VISIBLE_DEVICES"
ORDINAL = "GPU_DEVICE_ORDINAL"
VARIABLES = (ROCR, HIP, CUDA, ORDINAL)

_UUID_LENGTH = (5, 20)
_C_NUMBER = re.compile(r"([+-]?)(0[xX][0-9a-fA-F]{1,8}|0[0-7]{0,9}|[1-9][0-9]{0,8})")


class Step(Struct, frozen=True, kw_only=True):
    """What one variable does to the list.

    Attributes
    ----------
    variable, value : str
        The variable and what it holds; empty for the list before any.
    effect : str
        What follows from it, one sentence.
    left : tuple of str
        PCI addresses of what is left, in the order in which they are numbered from 0.
    """

    variable: str
    value: str
    effect: str
    left: tuple[str, ...]


class Visibility(Struct, frozen=True, kw_only=True):
    """The effective mask, step by step.

    Attributes
    ----------
    boundary : tuple of int
        `Gpu.rocr_index` of what ROCr lets through; the position is the number that
        ``HIP_VISIBLE_DEVICES`` takes.
    visible : tuple of int
        The same after HIP's own variable: what a program sees, in its order.
    warnings : tuple of str
        What in these variables does not do what it looks like.
    """

    steps: tuple[Step, ...]
    boundary: tuple[int, ...]
    visible: tuple[int, ...]
    warnings: tuple[str, ...] = ()


class _Cut(Struct, frozen=True):
    kept: tuple[int, ...]
    trouble: str = ""


def visibility(environ: Mapping[str, str], machine: Machine) -> Visibility:
    """Return which of the machine's GPUs a process with this environment sees, and why."""
    return explain(environ, machine.gpus)


def explain(environ: Mapping[str, str], gpus: Iterable[Gpu]) -> Visibility:
    """Return the mask over these GPUs; those that the runtime does not list are left out."""
    listed = sorted((g for g in gpus if g.rocr_index is not None), key=lambda g: g.rocr_index or 0)
    every = tuple(range(len(listed)))
    steps = [_step("", "", f"The driver lists {_count(every)}.", listed, every)]
    warnings: list[str] = []
    boundary = visible = every
    if (value := environ.get(ROCR)) is not None:
        cut = _rocr(value, [gpu.unique_id_hex for gpu in listed])
        boundary = visible = cut.kept
        steps.append(_step(ROCR, value, _effect("ROCr", cut, len(every)), listed, boundary))
        warnings += [cut.trouble] if cut.trouble else []
    name, value = _hip_variable(environ)
    if value:
        cut = _hip(name, value, [listed[index].unique_id_hex for index in boundary])
        visible = tuple(boundary[position] for position in cut.kept)
        steps.append(_step(name, value, _effect("HIP", cut, len(boundary)), listed, visible))
        warnings += [cut.trouble] if cut.trouble else []
    warnings += _conflicts(environ)
    ranks = [gpu.rocr_index or 0 for gpu in listed]
    return Visibility(
        steps=tuple(steps),
        boundary=tuple(ranks[index] for index in boundary),
        visible=tuple(ranks[index] for index in visible),
        warnings=tuple(warnings),
    )


def launch_environment(chosen: Sequence[int], environ: Mapping[str, str]) -> dict[str, str | None]:
    """Return the one variable that gives an engine these GPUs, and those to take away (None).

    An inherited ``ROCR_VISIBLE_DEVICES`` stays: a scheduler or hub drew that boundary, and HIP
    ordinals count within it.

    Parameters
    ----------
    chosen : sequence of int
        `Gpu.hip_index` of the GPUs; none hides them all, as for an engine on the CPU.

    Examples
    --------
    >>> launch_environment((4, 5), {"CUDA_VISIBLE_DEVICES": "0", "ROCR_VISIBLE_DEVICES": "0,1"})
    {'HIP_VISIBLE_DEVICES': '4,5', 'CUDA_VISIBLE_DEVICES': None}
    """
    # An empty value would mean "not set" to HIP; -1 is no ordinal, and ends the list at once.
    value = ",".join(map(str, chosen)) if chosen else "-1"
    return {HIP: value, **{name: None for name in (CUDA, ORDINAL) if name in environ}}


def applied(gpus: Sequence[Gpu], environ: Mapping[str, str]) -> tuple[Gpu, ...]:
    """Return the GPUs with their HIP ordinals, and those outside the mask as hidden."""
    mask = explain(environ, gpus)
    return tuple(_masked(gpu, mask, environ) for gpu in gpus)


def _masked(gpu: Gpu, mask: Visibility, environ: Mapping[str, str]) -> Gpu:
    if gpu.rocr_index is None:
        return gpu
    if gpu.rocr_index in mask.visible:
        return replace(gpu, hip_index=mask.boundary.index(gpu.rocr_index))
    name = _hip_variable(environ)[0] if gpu.rocr_index in mask.boundary else ROCR
    return replace(gpu, hip_index=None, state="hidden", reason=f"outside {name}")


def _hip_variable(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable that HIP reads: its own where it is not empty, else CUDA's."""
    return (HIP, environ[HIP]) if environ.get(HIP) else (CUDA, environ.get(CUDA, ""))


def _rocr(value: str, unique: Sequence[str | None]) -> _Cut:
    """Apply ROCr's rules: `RvdFilter::BuildUsrDeviceList`."""
    if not value:
        return _Cut((), f"{ROCR} is set and empty: no GPU is visible.")
    # Only as many entries are read as there are GPUs, and a comma at the end adds none.
    tokens = [token.strip() for token in value.removesuffix(",").split(",")][: len(unique)]
    if "" in tokens:
        return _Cut((), f"{ROCR}={value} has an empty entry: the runtime does not start.")
    return _cut(tokens, lambda token: _rocr_entry(token, unique), ROCR, len(unique))


def _rocr_entry(token: str, unique: Sequence[str | None]) -> int | str:
    if token[0] in "Gg":
        return _by_prefix(token.upper(), unique)
    hit = _C_NUMBER.fullmatch(token)
    if not hit:
        return "is no ordinal"
    sign, digits = hit.groups()
    # strtol with base 0: 0x10 is 16, and 010 is 8.
    base = 16 if digits[:2].lower() == "0x" else 8 if digits.startswith("0") else 10
    return int(sign + digits, base)


def _by_prefix(token: str, unique: Sequence[str | None]) -> int | str:
    shortest, longest = _UUID_LENGTH
    if not shortest <= len(token) <= longest:
        return f"is no unique id of {shortest} to {longest} characters"
    hits = [i for i, u in enumerate(unique) if u and f"GPU-{u.upper()}".startswith(token)]
    if len(hits) > 1:
        return "names several devices (all partitions of a GPU share one id)"
    return hits[0] if hits else "names no device here"


def _hip(variable: str, value: str, unique: Sequence[str | None]) -> _Cut:
    """Apply HIP's rules: spaces and leading zeros make an entry bad, repeats are passed over."""
    tokens = list(dict.fromkeys(value.removesuffix(",").split(",")))
    return _cut(tokens, lambda token: _hip_entry(token, unique), variable, len(unique))


def _hip_entry(token: str, unique: Sequence[str | None]) -> int | str:
    if "GPU-" in token:
        hits = [i for i, u in enumerate(unique) if u and token in f"GPU-{u}"]
        return hits[0] if hits else "names no device here"
    return int(token) if re.fullmatch(r"0|[1-9][0-9]{0,8}", token) else "is no ordinal"


def _cut(
    tokens: Sequence[str], entry: Callable[[str], int | str], variable: str, count: int
) -> _Cut:
    """Take entries up to the first bad one; both layers drop that and all that follow."""
    kept: list[int] = []
    for token in tokens:
        found = entry(token)
        if isinstance(found, int):
            if not 0 <= found < count:
                found = f"is not among 0 to {count - 1}" if count else "names nothing: none is left"
            elif found in kept:
                found = "is repeated"
        if isinstance(found, str):
            return _Cut(
                tuple(kept), f"{variable}: {token!r} {found}; it and what follows are dropped."
            )
        kept.append(found)
    return _Cut(tuple(kept))


def _conflicts(environ: Mapping[str, str]) -> list[str]:
    hip, cuda = environ.get(HIP), environ.get(CUDA)
    found = []
    if hip and cuda and hip != cuda:
        found.append(f"{HIP}={hip} and {CUDA}={cuda} differ: vLLM does not start.")
    if environ.get(ORDINAL):
        found.append(f"{ORDINAL} is for OpenCL: HIP does not read it.")
    return found


def _step(
    variable: str, value: str, effect: str, listed: Sequence[Gpu], left: Sequence[int]
) -> Step:
    names = tuple(listed[index].pci_bdf or f"GPU {listed[index].rocr_index}" for index in left)
    return Step(variable=variable, value=value, effect=effect, left=names)


def _effect(layer: str, cut: _Cut, count: int) -> str:
    said = f"{layer} keeps {len(cut.kept)} of {count} and numbers them from 0."
    return f"{said} {cut.trouble}".rstrip()


def _count(indexes: Sequence[int]) -> str:
    return "1 GPU" if len(indexes) == 1 else f"{len(indexes)} GPUs"
