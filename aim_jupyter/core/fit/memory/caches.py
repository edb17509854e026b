"""What each layer keeps of a request on one rank: its cache for a token, or its state.

Source: vLLM ``v1/kv_cache_interface.py`` (``FullAttentionSpec``, ``MLAAttentionSpec``,
``SlidingWindowSpec``, ``ChunkedLocalAttentionSpec``, ``MambaSpec``) and
``model_executor/layers/mamba/mamba_utils.py``; facts/fit.md 3.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.checkpoint.fields import Unreadable
from aim_jupyter.core.checkpoint.formats import DTYPES
from aim_jupyter.core.checkpoint.layers import Attention, Latent, Layer, Recurrent
from aim_jupyter.core.records.fit import Settings

SPARSE_FP8_TOKEN = 656  # bytes of the "fp8_ds_mla" layout
HEAD_SCALES = 8  # bytes of two scales, for each token and head


class Cache(Struct, frozen=True):
    """One layer's cache.

    Attributes
    ----------
    kind : str
        ``full`` keeps all tokens, ``window`` the last `span`, ``chunk`` those of one chunk of
        `span`, ``state`` something of fixed size.
    token_bytes : int
        For each token; 0 for a state.
    state_bytes : int
        For each request.
    checkpoints : int
        Pages that newer releases keep beside it.
    """

    kind: Literal["full", "window", "chunk", "state"]
    token_bytes: int = 0
    state_bytes: int = 0
    span: int = 0
    checkpoints: int = 0


def caches(
    architecture: Architecture,
    layers: Mapping[Layer, int],
    settings: Settings,
    *,
    single: bool = False,
    drafted: int = 0,
) -> Counter[Cache]:
    """Return what layers keep on one rank, and how often; those that keep nothing are left out.

    Parameters
    ----------
    layers : mapping of Layer to int
        How often each stands there.
    settings : Settings
        For `tp`, `dtype` and `kv_dtype`.
    single : bool
        Whether recurrent states are kept in single precision whatever the model says.
    drafted : int
        Tokens ahead, for which convolutions look further back.

    Raises
    ------
    Unreadable
        If the KV cache dtype is not known, or the heads can't be shared.
    """
    rank = _Rank(
        tp=settings.tp,
        size=architecture.element_bytes(settings.dtype),
        element=kv_element_bytes(architecture, settings),
        scales=HEAD_SCALES if settings.kv_dtype.endswith("per_token_head") else 0,
        single=single,
        drafted=drafted,
    )
    found: Counter[Cache] = Counter()
    for layer, count in layers.items():
        for cache in _of(layer, rank):
            found[cache] += count
    return found


class _Rank(Struct, frozen=True, kw_only=True):
    """How a rank keeps things: bytes of an element of the model, and of its cache."""

    tp: int
    size: int
    element: float
    scales: int
    single: bool
    drafted: int


def kv_element_bytes(architecture: Architecture, settings: Settings) -> float:
    """Return the bytes of a cached element; ``auto`` is the model's dtype.

    A checkpoint that brings scales for it turns ``auto`` into FP8; weights in FP8 alone do not.
    """
    kv_dtype = settings.kv_dtype
    if kv_dtype in ("auto", ""):
        kv_dtype = architecture.quantization.kv or settings.dtype
    if kv_dtype in ("auto", ""):
        return architecture.element_bytes(settings.dtype)
    if kv_dtype.startswith("fp8") or kv_dtype == "int8_per_token_head":
        return 1
    if kv_dtype.startswith("nvfp4"):
        return 0.5 + 1 / 16
    if kv_dtype not in DTYPES:
        raise Unreadable(f"the KV cache dtype {kv_dtype!r} is not known here")
    return DTYPES[kv_dtype]


def _of(layer: Layer, rank: _Rank) -> Iterator[Cache]:
    match layer.mixer:
        case Attention() as mixer:
            heads = max(1, mixer.kv_heads // rank.tp)
            one = int((mixer.head + mixer.head_v) * rank.element) + rank.scales
            yield Cache(mixer.kind, heads * one, 0, mixer.span)
        case Latent() as mixer:
            yield from _latent(mixer, rank.element)
        case Recurrent() as mixer:
            kept = _state_bytes(mixer, rank)
            yield Cache("state", 0, kept, checkpoints=int(mixer.kind == "mamba2"))


def _latent(mixer: Latent, element: float) -> Iterator[Cache]:
    """Yield the cache of MLA, which each rank holds whole, and that of its indexer."""
    packed = mixer.index_heads and element == 1
    one = SPARSE_FP8_TOKEN if packed else int((mixer.kv_rank + mixer.rope) * element)
    yield Cache("full", one)
    if mixer.index_heads:
        yield Cache("full", mixer.index_head + 4)  # FP8, and a scale for 128 elements


def _state_bytes(mixer: Recurrent, rank: _Rank) -> int:
    tp = rank.tp
    if mixer.heads % tp:
        raise Unreadable(f"{mixer.heads} recurrent heads can't be shared by {tp} GPUs")
    groups = mixer.groups
    if mixer.kind == "mamba2" and groups % tp:  # repeated, so that each rank has what it needs
        groups = tp
    channels = 2 * groups * mixer.state + mixer.inner
    convolution = channels // tp * (mixer.kernel - 1 + rank.drafted) * rank.size
    kept = 4 if rank.single else DTYPES.get(mixer.dtype, rank.size)
    return convolution + mixer.heads // tp * mixer.head * mixer.state * kept
