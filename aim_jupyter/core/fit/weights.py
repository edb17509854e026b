"""What one rank loads: weights counted from the architecture.

Where the tensors themselves can be seen, `aim_jupyter.core.fit.headers` counts those instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from aim_jupyter.core.fit.architecture import Architecture
from aim_jupyter.core.fit.layers import Experts, Latent, Layer
from aim_jupyter.core.fit.matrices import Matrix, matrices
from aim_jupyter.core.fit.quantization import DTYPES
from aim_jupyter.core.records.fit import Family

GIB = 2**30
_PADDED_TO = 64  # rows of the vocabulary, vocab_parallel_embedding.py


# What vLLM rounds intermediate and hidden size of MXFP4 experts up to:
# model_executor/layers/fused_moe/oracle/mxfp4.py, Marlin on CUDA, AITER and Triton on ROCm.
_ALIGNED: dict[Family, tuple[int, int]] = {"cuda": (128, 256), "rocm": (256, 256), "cpu": (32, 32)}


class _How(Struct, frozen=True):
    """How weights are held: GPUs, bytes of an element, and what experts are rounded up to."""

    architecture: Architecture
    tp: int
    size: int
    aligned: tuple[int, int]


class Share(Struct, frozen=True):
    """What one rank holds, in bytes."""

    layers: int
    vocabulary: int
    tables: int
    vision: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.layers + self.vocabulary + self.tables + self.vision


def stages(count: int, pp: int) -> list[range]:
    """Return the layers of each pipeline stage, as vLLM's ``get_pp_indices`` shares them out.

    What does not divide goes to the stages before the last, from the back.
    """
    sizes = [count // pp] * pp
    for extra in range(count % pp):
        sizes[max(0, pp - 2 - extra)] += 1
    starts = [sum(sizes[:stage]) for stage in range(pp)]
    return [range(start, start + size) for start, size in zip(starts, sizes, strict=True)]


def element_bytes(architecture: Architecture, dtype: str) -> int:
    """Return the bytes of an unquantized element; ``auto`` turns float32 into half of it.

    vLLM's ``auto`` loads float32 checkpoints as bfloat16 or float16.
    """
    if dtype in ("auto", ""):
        return min(2, DTYPES[architecture.dtype])
    return DTYPES[dtype]


def shares(
    architecture: Architecture,
    tp: int,
    pp: int = 1,
    dtype: str = "auto",
    family: Family = "cuda",
) -> list[Share]:
    """Return what a rank of each pipeline stage loads.

    Parameters
    ----------
    tp, pp : int
        Tensor and pipeline parallelism.
    dtype : str
        What the engine is told, ``auto`` for the checkpoint's.
    family : str
        Of the GPU: kernels for MXFP4 want different widths.
    """
    size = element_bytes(architecture, dtype)
    how = _How(architecture, tp, size, _ALIGNED[family])
    table = architecture.rotary * size
    learned = architecture.positions * architecture.hidden * size
    ends = _vocabulary(architecture, tp, pp, size)
    return [
        Share(
            layers=_layers(how, architecture.layers[span.start : span.stop], span),
            vocabulary=ends[stage],
            tables=table + learned,
            vision=architecture.vision * size // tp if stage == 0 else 0,
        )
        for stage, span in enumerate(stages(len(architecture.layers), pp))
    ]


def _vocabulary(architecture: Architecture, tp: int, pp: int, size: int) -> list[int]:
    """Return the bytes of embeddings and head on each stage: the first has one, the last other."""
    rows = -(-architecture.vocabulary // _PADDED_TO) * _PADDED_TO
    one = rows * architecture.hidden * size // tp
    if pp == 1:
        return [one if architecture.tied else 2 * one]
    return [one, *[0] * (pp - 2), one]


def _layers(how: _How, layers: Sequence[Layer], span: range) -> int:
    if not how.architecture.quantization.skipped:  # equal layers weigh the same wherever they stand
        kinds = Counter(layers)
        return sum(count * _layer(how, layer, 0) for layer, count in kinds.items())
    numbered = zip(span, layers, strict=True)
    return sum(_layer(how, layer, number) for number, layer in numbered)


def _layer(how: _How, layer: Layer, number: int) -> int:
    total = _absorbed(layer, how.tp, how.size)
    for matrix in matrices(layer, how.architecture.hidden):
        total += _matrix(how, matrix.on_rank(how.tp), number)
    return total


def _matrix(how: _How, share: Matrix, number: int) -> int:
    quantized = how.architecture.quantization
    name = f"model.layers.{number}.{share.module}"
    bias = share.bias * share.rows * how.size
    if quantized.format is None or not _quantizable(share) or not quantized.covers(name):
        return share.copies * (share.rows * share.columns * how.size + bias)
    rows, columns = share.rows, share.columns
    if quantized.padded and ".experts." in share.module:
        rows, columns = _aligned(share, how.aligned)
    return share.copies * (quantized.format.bytes(rows, columns) + bias)


def _aligned(share: Matrix, aligned: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of an expert's matrix, widened to what the kernels want.

    Parameters
    ----------
    aligned : tuple of int
        What the intermediate and the hidden size are rounded up to.
    """
    inner, hidden = aligned if share.split == "rows" else aligned[::-1]
    return -(-share.rows // inner) * inner, -(-share.columns // hidden) * hidden


def _quantizable(matrix: Matrix) -> bool:
    """Whether a method may cover it: routers, norms and convolutions stay as they are."""
    return matrix.module.endswith(("proj", "wq_b"))


def _absorbed(layer: Layer, tp: int, size: int) -> int:
    """Return what MLA adds at load: `kv_b_proj` once more, unquantized, as two factors.

    vLLM ``MLACommonImpl.process_weights_after_loading``: ``W_UV`` and ``W_UK_T``.
    """
    if not isinstance(layer.mixer, Latent):
        return 0
    mixer = layer.mixer
    return mixer.heads * (mixer.nope + mixer.value) * mixer.kv_rank * size // tp


def rocm_growth(architecture: Architecture, tp: int, dtype: str = "auto") -> int:
    """Return by how much unquantized experts may grow while they are loaded on ROCm.

    vLLM's ``UnquantizedFusedMoEMethod._maybe_pad_weight`` widens rows whose bytes divide by 512 by
    256 bytes (``VLLM_ROCM_MOE_PADDING``), layer by layer. Where both matrices are widened, the
    second new one is cut out of the first old one, and the rest of that block stays allocated. The
    loader counts device memory, so that rest is part of "Model loading took". This gives +20.2 GiB
    for Qwen3-VL-30B-A3B on one MI300X and +31.5 GiB for Llama-4-Maverick on eight, of +21.1 and
    +32.9 measured (facts/fit.md 3.5); 1.5 GiB are left for everything smaller. Quantized experts
    are not widened, and those of DeepSeek-R1 grew by 1.6 GiB.
    """
    if architecture.experts is None:
        return 0
    size = element_bytes(architecture, dtype)
    if architecture.quantization.format is not None:
        return int(2.0 * GIB)
    grown = sum(
        count * _padded(layer.mlp, architecture.hidden, tp, size)
        for layer, count in Counter(architecture.layers).items()
        if isinstance(layer.mlp, Experts)
    )
    return grown + int(1.5 * GIB)


def _padded(mlp: Experts, hidden: int, tp: int, size: int) -> int:
    inner = -(-mlp.size // tp)
    first_rows = mlp.count * inner * (2 if mlp.gated else 1)
    second_rows = mlp.count * hidden
    first, second = first_rows * hidden * size, second_rows * inner * size
    wider = [
        256 * rows * (row * size % 512 == 0)
        for rows, row in ((first_rows, hidden), (second_rows, inner))
    ]
    stuck = max(0, first - second - wider[1]) if all(wider) else 0
    return sum(wider) + stuck
