"""What the engine adds to a checkpoint while it loads it."""

from __future__ import annotations

from collections import Counter

from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.checkpoint.formats import MXFP4, Format
from aim_jupyter.core.checkpoint.layers import Attention, Experts, Latent, Layer
from aim_jupyter.core.checkpoint.matrices import Matrix, matrices
from aim_jupyter.core.records.fit import Family
from aim_jupyter.core.sizes import GIB

# What vLLM rounds intermediate and hidden size of MXFP4 experts up to:
# model_executor/layers/fused_moe/oracle/mxfp4.py, Marlin on CUDA, AITER and Triton on ROCm.
_WIDENED = "gpt_oss"  # whose kernels want it; the experts of others stay as they are
_ALIGNED: dict[Family, tuple[int, int]] = {"cuda": (128, 256), "rocm": (256, 256), "cpu": (32, 32)}


def additions(
    architecture: Architecture,
    span: range,
    tp: int,
    dtype: str = "auto",
    family: Family = "cuda",
) -> int:
    """Return what one rank holds beside the tensors of the checkpoint, in bytes.

    Parameters
    ----------
    span : range
        The layers of the rank's stage.
    """
    size = architecture.element_bytes(dtype)
    kinds = Counter(architecture.layers[span.start : span.stop])
    made = sum(
        count
        * (
            _absorbed(architecture, layer, tp, size)
            + _widened(architecture, layer, tp, family)
            + _repeated(architecture, layer, tp, size)
        )
        for layer, count in kinds.items()
    )
    return made + architecture.rotary * size


def _widened(architecture: Architecture, layer: Layer, tp: int, family: Family) -> int:
    """Return by how much experts grow where the kernels want round sizes."""
    how = architecture.quantization
    if not how.padded or architecture.family != _WIDENED or not isinstance(layer.mlp, Experts):
        return 0
    shares = (matrix.on_rank(tp) for matrix in matrices(layer, architecture.hidden))
    experts = (share for share in shares if ".experts." in share.module)
    return sum(_widening(share, how.narrowest or MXFP4, _ALIGNED[family]) for share in experts)


def _widening(share: Matrix, stored: Format, aligned: tuple[int, int]) -> int:
    inner, hidden = aligned if share.split == "rows" else aligned[::-1]
    rows = -(-share.rows // inner) * inner
    columns = -(-share.columns // hidden) * hidden
    own = stored.bytes(share.rows, share.columns)
    return share.copies * (stored.bytes(rows, columns) - own)


def _repeated(architecture: Architecture, layer: Layer, tp: int, size: int) -> int:
    """Return what keys take once more that serve as values too: vLLM loads them as both."""
    its = layer.mixer
    if not isinstance(its, Attention) or not its.shared_value:
        return 0
    return max(1, its.kv_heads // tp) * its.head_v * architecture.hidden * size


def _absorbed(architecture: Architecture, layer: Layer, tp: int, size: int) -> int:
    """Return what MLA adds at load: a quantized `kv_b_proj` once more, in 16 bits.

    vLLM ``MLACommonImpl.process_weights_after_loading``: ``W_UV`` and ``W_UK_T``, which are views
    of it where it is not quantized.
    """
    stored = architecture.quantization.format_of("model.layers.0.self_attn.kv_b_proj")
    if not isinstance(layer.mixer, Latent) or stored is None:
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
    size = architecture.element_bytes(dtype)
    if architecture.quantization.rules:
        return int(2.0 * GIB)
    grown = sum(
        count * _padded(layer.mlp, architecture.hidden, tp, size)
        for layer, count in architecture.kinds.items()
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
