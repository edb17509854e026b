"""The question whether a start will fit, with everything filled in that the engine would choose."""

from __future__ import annotations

from msgspec import Struct, structs

from aim_jupyter.core.checkpoint.architecture import Architecture
from aim_jupyter.core.checkpoint.drafting import Drafter
from aim_jupyter.core.checkpoint.fields import Unreadable
from aim_jupyter.core.checkpoint.formats import DTYPES
from aim_jupyter.core.checkpoint.layers import Attention, Dense, Experts, Latent, Recurrent
from aim_jupyter.core.checkpoint.quantization import online
from aim_jupyter.core.fit.memory.versions import Span, default_batch, default_util, span
from aim_jupyter.core.records.fit import Band, Basis, Counts, Device, Settings, Start


class Request(Struct, frozen=True, kw_only=True):
    """What is asked.

    Attributes
    ----------
    model : str
        What to call it.
    device : Device or None
        None only together with `available`.
    weights : Band or None
        Bytes that one GPU loads, where they are known better than by the architecture: from the
        headers of the tensors (`basis` ``exact``; what the engine adds at load comes on top), or
        because someone says so (``given``).
    counted : str
        What they were counted from, where they were.
    available : Band or None
        Bytes for the KV cache, where they are measured: then nothing else is asked.
    starts : tuple of Start
        Earlier starts on this site, to learn from.
    chunked : bool
        Whether chunked local attention may keep less than everything.
    drafter : Drafter or None
        What is loaded beside the model.
    exact : Counts or None
        What the engine's own code has counted, where it was asked.
    """

    model: str
    architecture: Architecture
    device: Device | None = None
    settings: Settings = Settings()
    weights: Band | None = None
    basis: Basis = "given"
    counted: str = ""
    available: Band | None = None
    starts: tuple[Start, ...] = ()
    revision: str | None = None
    chunked: bool = False
    drafter: Drafter | None = None
    exact: Counts | None = None

    def changed(self, setting: str, value: object) -> Request:
        """Return the same question with one setting changed.

        Weights that were given for other GPUs or another precision are counted anew.
        """
        settings = structs.replace(self.settings, **{setting: value})
        if setting not in ("max_model_len", "users", "util"):
            self = structs.replace(self, exact=None)  # noqa: PLW0642  a record, made anew
        if setting in ("tp", "pp", "quantization", "dtype"):
            return structs.replace(self, settings=settings, weights=None)
        return structs.replace(self, settings=settings)

    @property
    def version(self) -> Span:
        """Which releases the engine may be of."""
        return span(self.settings.engine_version)

    @property
    def loaded(self) -> Architecture:
        """The architecture with the weights as the engine would hold them."""
        name = self.settings.quantization
        if not name or self.architecture.quantization.rules:
            return self.architecture
        return self.architecture.quantized(online(name))


def settled(request: Request) -> Settings:
    """Return the settings with the engine's own choices filled in.

    Raises
    ------
    Unreadable
        If there is no telling how long a request may be, or a dtype is not known.
    """
    asked = request.settings
    length = asked.max_model_len or request.architecture.lengths.usual
    if not length:
        raise Unreadable("max_position_embeddings is missing, and no context is asked for")
    if asked.dtype not in ("auto", *DTYPES):
        raise Unreadable(f"the dtype {asked.dtype!r} is not known here")
    seqs, tokens = usual_batch(request, length, asked.max_num_seqs)
    return structs.replace(
        asked,
        max_model_len=length,
        max_num_seqs=seqs,
        max_num_batched_tokens=asked.max_num_batched_tokens or tokens,
        util=asked.util if asked.util is not None else default_util(request.version),
    )


def usual_batch(request: Request, length: int, seqs: int | None = None) -> tuple[int, int]:
    """Return the requests and tokens of one step that the engine would choose."""
    device = request.device or Device(model="", family="cuda", total_bytes=2**37)
    return default_batch(request.version, device, length, seqs)


def indivisible(architecture: Architecture, tp: int) -> str:
    """Return why `tp` GPUs can't share a layer, empty where they can.

    vLLM shares heads and hidden elements evenly, and repeats KV heads where there are fewer.
    """
    for layer in architecture.kinds:
        match layer.mixer:
            case Attention(heads=heads, kv_heads=kv) if heads % tp or (kv % tp and tp % kv):
                return f"{heads} heads and {kv} KV heads don't divide by {tp}"
            case Latent(heads=heads) | Recurrent(heads=heads) if heads % tp:
                return f"{heads} heads don't divide by {tp}"
        match layer.mlp:
            case Dense(size=size) | Experts(size=size) if size % tp:
                return f"{size} hidden elements don't divide by {tp}"
    return ""
