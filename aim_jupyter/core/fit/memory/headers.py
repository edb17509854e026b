"""Weights counted exactly: from the headers of safetensors files, without reading a tensor."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from aim_jupyter.core import files, safetensors
from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.checkpoint.layers import Attention
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.fit.memory.weights import stages

Role = Literal["skipped", "vocabulary", "whole", "qkv", "kv", "shared"]


class _Names(Struct, frozen=True, forbid_unknown_fields=True):
    """Regular expressions for the names of tensors, and the bits of their dtypes."""

    roles: dict[Role, str]
    layer: str
    beside: str
    plain: tuple[str, ...]
    bits: dict[str, int]


@functools.cache
def _names() -> _Names:
    return files.table(Path(__file__).with_name("tensors.toml"), _Names)


class Tensor(NamedTuple):
    """One entry of a header; `dtype` as safetensors names it."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """How many there are."""
        count = 1
        for size in self.shape:
            count *= size
        return count


class Exact(Struct, frozen=True, kw_only=True):
    """What the headers say.

    Attributes
    ----------
    bytes_per_gpu : int
        What the rank that holds most loads.
    parameters : int
        Elements of all tensors that the engine loads.
    layers : int
        Of the language model.
    """

    bytes_per_gpu: int
    parameters: int
    layers: int


def tensors(folder: Path) -> list[Tensor]:
    """Return all tensors of a folder.

    Raises
    ------
    ModelMissing
        If it holds no safetensors, or one that is cut short or lies.
    """
    paths = safetensors.weights(folder)
    if not paths:
        raise ModelMissing(f"{folder} holds no safetensors.", "check the folder")
    return [tensor for path in paths for tensor in _header(path)]


def tensor(name: str, dtype: str, shape: Any, source: str | Path) -> Tensor:
    """Return one entry of a header, checked.

    Raises
    ------
    ModelMissing
        If dtype or shape can't be; `source` says where that was found.
    """
    sizes: list[int] = list(shape) if isinstance(shape, list | tuple) else [-1]
    if dtype not in _names().bits or not all(type(size) is int and size >= 0 for size in sizes):
        raise ModelMissing(
            f"{source}: tensor {name} is {dtype} of shape {shape}.", "download the model again"
        )
    return Tensor(name, dtype, tuple(sizes))


def weights_from_headers(
    found: Sequence[Tensor],
    architecture: Architecture,
    tp: int = 1,
    pp: int = 1,
    dtype: str = "auto",
    *,
    dp: int = 1,
) -> Exact:
    """Return what one GPU loads of a checkpoint, counted tensor by tensor.

    Parameters
    ----------
    dp : int
        Copies, which share routed experts; see `weights.shares`.

    Raises
    ------
    ModelMissing
        If the tensors are not of the model that the config describes.
    """
    count = 1 + max((_number(each) for each in found), default=-1)
    stated = len(architecture.layers)
    if count < stated or not architecture.layers:
        raise ModelMissing(
            f"The checkpoint holds {count} layers, its config.json says {stated}.",
            "check the folder, or download the model again",
        )
    return Exact(
        bytes_per_gpu=max(_ranks(found, architecture, (tp, dp), pp, dtype)),
        parameters=sum(each.elements for each in found if _loaded(each, architecture)),
        layers=count,
    )


def _ranks(
    found: Sequence[Tensor], architecture: Architecture, by: tuple[int, int], pp: int, dtype: str
) -> list[int]:
    spans = stages(len(architecture.layers), pp)
    plain_bits = 8 * architecture.element_bytes(dtype)
    totals = [0] * pp
    for tensor in found:
        if _loaded(tensor, architecture):
            share = _share(tensor, architecture, by, plain_bits)
            for stage in _stages(tensor, spans, architecture):
                totals[stage] += share
    return totals


def _stages(tensor: Tensor, spans: list[range], architecture: Architecture) -> list[int]:
    number = _number(tensor)
    if number >= 0:
        return [stage for stage, span in enumerate(spans) if number in span]
    last = len(spans) - 1
    if _role(tensor.name) != "vocabulary":
        return [last if tensor.name.endswith("norm.weight") else 0]
    if "lm_head" in tensor.name:
        return [last]
    return sorted({0, last}) if architecture.tied else [0]


def _loaded(tensor: Tensor, architecture: Architecture) -> bool:
    """Whether the engine loads it: no layers beyond the last, no second copy of tied embeddings."""
    if _role(tensor.name) == "skipped" or _number(tensor) >= len(architecture.layers):
        return False
    return not (architecture.tied and tensor.name.endswith("lm_head.weight"))


def _number(tensor: Tensor) -> int:
    """Return the layer that a tensor belongs to, -1 for none of the language model's."""
    if re.search(_names().beside, tensor.name):
        return -1
    match = re.search(_names().layer, tensor.name)
    return int(match[1]) if match else -1


def _role(name: str) -> Role:
    roles = _names().roles.items()
    return next((role for role, pattern in roles if re.search(pattern, name)), "shared")


def _share(tensor: Tensor, architecture: Architecture, by: tuple[int, int], plain_bits: int) -> int:
    tp, dp = by
    whole = tensor.elements * _stored_bits(tensor, plain_bits) // 8
    if dp > 1 and ".experts." in tensor.name:
        return whole // (tp * dp)
    role = _role(tensor.name)
    if role == "vocabulary":
        rows = tensor.shape[0]
        return whole // rows * (-(-rows // 64) * 64) // tp
    if role == "whole":
        return whole
    attention = next(
        (each.mixer for each in architecture.layers if isinstance(each.mixer, Attention)), None
    )
    if attention is None or role == "shared":
        return whole // tp
    kept = max(1, attention.kv_heads // tp) / attention.kv_heads
    if role == "kv":
        return int(whole * kept)
    both = 2 * attention.kv_heads / (attention.heads + 2 * attention.kv_heads)
    return int(whole * ((1 - both) / tp + both * kept))


def _stored_bits(tensor: Tensor, plain_bits: int) -> int:
    """Return the bits of an element in memory: plain floats take the engine's dtype."""
    if tensor.dtype in _names().plain and "scale" not in tensor.name:
        return plain_bits
    return _names().bits[tensor.dtype]


def _header(path: Path) -> Iterator[Tensor]:
    try:
        entries = safetensors.header(path).tensors
    except (OSError, ValueError) as error:
        raise ModelMissing(f"{path} can't be read: {error}.", "download the model again") from error
    for name, entry in entries.items():
        yield tensor(name, str(entry.dtype), entry.shape, path)
