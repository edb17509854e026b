"""What one rank loads: weights counted from the architecture.

Where the tensors can be seen, `aim_jupyter.core.fit.memory.headers` counts those instead.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, structs

from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.checkpoint.drafting import Drafter
from aim_jupyter.core.checkpoint.formats import DTYPES, MXFP8, Format
from aim_jupyter.core.checkpoint.layers import Layer
from aim_jupyter.core.checkpoint.matrices import Matrix, matrices
from aim_jupyter.core.fit.memory.additions import additions
from aim_jupyter.core.records.fit import Family

# The number of all layers that no quantization names: equal ones weigh the same where they stand.
_ALIKE = -1
_LONG, _LONGER = 512, 256  # bytes of a row on ROCm, and what is added to it
_LEAST_GROUP = 32  # elements of an expert that share a scale
_PADDED_TO = 64  # rows of the vocabulary, vocab_parallel_embedding.py


class _How(Struct, frozen=True):
    """How weights are held: by how many GPUs, and with how many bytes of an element."""

    architecture: Architecture
    tp: int
    size: int
    dp: int = 1

    @property
    def router(self) -> int:
        """Bytes of an element of what chooses experts."""
        its = self.architecture.router
        return self.size if its == "auto" else DTYPES[its]


class Share(Struct, frozen=True):
    """What one rank holds, in bytes.

    Attributes
    ----------
    layers, vocabulary, positions, vision : int
        Of the checkpoint.
    added : int
        What the engine makes of it at load.
    """

    layers: int
    vocabulary: int
    positions: int
    vision: int
    added: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.layers + self.vocabulary + self.positions + self.vision + self.added


def stages(count: int, pp: int) -> list[range]:
    """Return the layers of each pipeline stage, as vLLM's ``get_pp_indices`` shares them out.

    What does not divide goes to the stages before the last, from the back.
    """
    sizes = [count // pp] * pp
    for extra in range(count % pp):
        sizes[max(0, pp - 2 - extra)] += 1
    starts = [sum(sizes[:stage]) for stage in range(pp)]
    return [range(start, start + size) for start, size in zip(starts, sizes, strict=True)]


@functools.lru_cache(maxsize=1024)
def shares(
    architecture: Architecture,
    tp: int,
    pp: int = 1,
    dtype: str = "auto",
    family: Family = "cuda",
    *,
    dp: int = 1,
    unpacks: bool = False,
) -> tuple[Share, ...]:
    """Return what a rank of each pipeline stage loads.

    Parameters
    ----------
    tp, pp : int
        Tensor and pipeline parallelism.
    dtype : str
        What the engine is told, ``auto`` for the checkpoint's.
    family : str
        Of the GPU: kernels for MXFP4 want different widths.
    dp : int
        Copies: vLLM shares routed experts out over the GPUs of all of them, whether each keeps
        whole experts (``--enable-expert-parallel``) or a slice of every one
        (``fused_moe/config.py``, ``FusedMoEParallelConfig.make``).
    unpacks : bool
        Whether the GPU has no MXFP8: vLLM then makes 16 bits of it while it loads
        (``VLLM_MXFP8_EMULATION_DEQUANT_AT_LOAD``, on by default).
    """
    size = architecture.element_bytes(dtype)
    how = _How(architecture, tp, size, dp)
    ends = _vocabulary(architecture, tp, pp, size)
    return tuple(
        Share(
            layers=_layers(how, span),
            vocabulary=ends[stage],
            positions=architecture.positions * architecture.hidden * size if stage == 0 else 0,
            vision=_vision(how, family) if stage == 0 else 0,
            added=additions(architecture, span, tp, dtype, family)
            + (_lengthened(how, span) if family == "rocm" else 0)
            + (_unpacked(how, span) if unpacks else 0),
        )
        for stage, span in enumerate(stages(len(architecture.layers), pp))
    )


def _vision(how: _How, family: Family) -> int:
    """Return the bytes of what sees, which vLLM quantizes too where no name leaves it out."""
    its = how.architecture
    stored = its.quantization.tower
    shared = its.vision * (stored.bits / 8 if stored else how.size)
    if stored and family == "rocm" and its.quantization.lengthened(stored):
        shared += its.vision_rows * _LONGER
    return int(shared / how.tp) + its.vision_whole * how.size


def buffers(model: Architecture, dtype: str, batched: int | None) -> int:
    """Return what a model makes for a step's tokens when it is built, in bytes.

    Qwen3-VL: features of images for its first layers (``deepstack_input_embeds``).
    """
    return model.deep * (batched or 0) * model.hidden * model.element_bytes(dtype)


def drafting(its: Drafter, tp: int, dtype: str = "auto", family: Family = "cuda") -> int:
    """Return what one rank loads of a drafter, in bytes."""
    share = shares(its.model, tp, 1, dtype, family)[0]
    size = its.model.element_bytes(dtype)
    ends = {"shared": 0, "head": share.vocabulary // 2, "own": share.vocabulary}[its.words]
    if its.words == "head" and its.model.tied:
        ends = share.vocabulary
    beside = share.positions + share.vision if its.words == "own" else 0
    return share.layers + share.added + ends + beside + size * (its.whole + its.split // tp)


def _vocabulary(architecture: Architecture, tp: int, pp: int, size: int) -> list[int]:
    """Return the bytes of embeddings and head on each stage: the first has one, the last other."""
    rows = -(-architecture.vocabulary // _PADDED_TO) * _PADDED_TO
    one = rows * architecture.hidden * size // tp
    stored = architecture.quantization.format_of("lm_head")
    head = stored.bytes(rows // tp, architecture.hidden) if stored else one
    if pp == 1:
        return [one if architecture.tied else one + head]
    return [one, *[0] * (pp - 2), one if architecture.tied else head]


def _layers(how: _How, span: range) -> int:
    kinds = _kinds(how.architecture, span)
    return sum(count * _layer(how, layer, number) for (layer, number), count in kinds.items())


@functools.lru_cache(maxsize=1024)
def _kinds(architecture: Architecture, span: range) -> Mapping[tuple[Layer, int], int]:
    """Return the layers of a stage that weigh differently, and how often each stands there."""
    names = architecture.quantization.names
    numbers = (number if names(number) else _ALIKE for number in span)
    return Counter(zip(architecture.layers[span.start : span.stop], numbers, strict=True))


def _layer(how: _How, layer: Layer, number: int) -> int:
    own = matrices(layer, how.architecture.hidden)
    return sum(_matrix(how, matrix.on_rank(_ranks(how, matrix)), number) for matrix in own)


def _lengthened(how: _How, span: range) -> int:
    """Return what ROCm adds to rows of FP8, so that they lie far enough from each other.

    vLLM ``fp8_utils.py`` (``_maybe_pad_fp8_weight``, ``VLLM_ROCM_FP8_PADDING``): 256 bytes to rows
    of a multiple of 512, of matrices that stand alone and have one scale, or one for each block.
    """
    return sum(
        count * _longer(how, matrix.on_rank(how.tp), number)
        for (layer, number), count in _kinds(how.architecture, span).items()
        for matrix in matrices(layer, how.architecture.hidden)
        if not matrix.module.startswith("mlp.experts.") and _quantizable(matrix)
    )


def _unpacked(how: _How, span: range) -> int:
    """Return by how much matrices in MXFP8 grow; their scales stay."""
    grown = 0
    for (layer, number), count in _kinds(how.architecture, span).items():
        for matrix in matrices(layer, how.architecture.hidden):
            share = matrix.on_rank(_ranks(how, matrix))
            name = f"model.layers.{number}.{share.module}"
            stored = how.architecture.quantization.format_of(name)
            if stored is not None and stored.name == MXFP8.name and _quantizable(share):
                wider = share.rows * share.columns * (how.size - stored.bits // 8)
                grown += count * share.copies * wider
    return grown


def _longer(how: _How, share: Matrix, number: int) -> int:
    quantized = how.architecture.quantization
    stored = quantized.format_of(f"model.layers.{number}.{share.module}")
    if share.columns % _LONG or stored is None or not quantized.lengthened(stored):
        return 0
    return share.copies * share.rows * _LONGER


def _ranks(how: _How, matrix: Matrix) -> int:
    """Return how many GPUs share a matrix."""
    return how.tp * how.dp if matrix.module.startswith("mlp.experts.") else how.tp


def _matrix(how: _How, share: Matrix, number: int) -> int:
    quantized = how.architecture.quantization
    name = f"model.layers.{number}.{share.module}"
    bias = share.bias * share.rows * how.size
    stored = quantized.format_of(name) if _quantizable(share) else None
    if stored is None:
        size = how.router if share.module == "mlp.gate" else how.size
        return share.copies * (share.rows * share.columns * size + bias)
    if share.module.startswith("mlp.experts."):
        stored = _regrouped(stored, share)
    return share.copies * (stored.bytes(share.rows, share.columns) + bias)


def _regrouped(stored: Format, share: Matrix) -> Format:
    """Return a format of whole numbers with groups that a rank's share of an expert divides by.

    vLLM ``moe_wna16.py`` halves them until both sides do, down to 32.
    """
    group = stored.columns
    if not stored.name.startswith("int") or group <= 1:
        return stored
    while group > _LEAST_GROUP and (share.rows % group or share.columns % group):
        group //= 2
    return structs.replace(stored, columns=group)


def _quantizable(matrix: Matrix) -> bool:
    """Whether a method may cover it: routers, norms and convolutions stay as they are."""
    return matrix.module.endswith(("proj", "wq_b", "proj_qkv", "proj_z"))
