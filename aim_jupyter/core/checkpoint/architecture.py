"""What a ``config.json`` says of a model, or why it can't be told."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from aim_jupyter.core.checkpoint import keys
from aim_jupyter.core.checkpoint.context import Context, context, factor_of, scalings
from aim_jupyter.core.checkpoint.defaults import filled
from aim_jupyter.core.checkpoint.families import Traits, family
from aim_jupyter.core.checkpoint.fields import MOST_TOKENS, Fields, Unreadable
from aim_jupyter.core.checkpoint.formats import DTYPES
from aim_jupyter.core.checkpoint.layers import Experts, Layer, Mixer, Mlp
from aim_jupyter.core.checkpoint.matrices import parameters
from aim_jupyter.core.checkpoint.methods import quantization
from aim_jupyter.core.checkpoint.mixers import kinds, mixers
from aim_jupyter.core.checkpoint.mlps import mlps
from aim_jupyter.core.checkpoint.quantization import Quantization
from aim_jupyter.core.checkpoint.unread import unread
from aim_jupyter.core.checkpoint.vision import Tower, tower_of

# What changes weights or caches in ways that are not modelled here.
_UNMODELLED = ("hidden_size_per_layer_input", "num_kv_shared_layers", "cross_attention_layers")
# No published model has more; the formulas hold beyond, but a config that says so is not believed.
MOST_PARAMETERS = 10**14


class Architecture(Struct, frozen=True, kw_only=True, cache_hash=True, dict=True):
    """A model, as far as its memory depends on it.

    Attributes
    ----------
    problem : str
        Why nothing can be said of it, empty where all is known. Then nothing else is.
    family : str
        The model type.
    dtype : str
        Of the checkpoint.
    lengths : Context
        How long a request may be.
    rotary : int
        Elements of the tables of rotary embeddings, which have a row for each token.
    deep : int
        Layers that are fed images beside the first: each has a buffer of a step's tokens.
    heads : int
        Layers beyond the last that predict further tokens, which serve as drafts.
    router : str
        The dtype of what chooses experts; ``auto`` is the model's.
    positions : int
        Rows of learned position embeddings.
    vision, vision_whole, vision_rows : int
        Parameters beside the language model: those that GPUs share, those that each holds, and the
        rows of the matrices that are shared.
    multimodal : bool
        Whether the engine's profiling run includes images.
    capture : float
        How many graphs are captured, relative to the usual.
    rocm_block : int
        Tokens of a block that the attention kernels on ROCm want, 0 for the usual.
    unread : tuple of str
        Keys of the config that may be a shape and that nobody reads here.
    """

    problem: str = ""
    family: str = ""
    hidden: int = 0
    vocabulary: int = 0
    layers: tuple[Layer, ...] = ()
    tied: bool = False
    dtype: str = "bfloat16"
    lengths: Context = Context()
    rotary: int = 0
    deep: int = 0
    heads: int = 0
    router: str = "auto"
    positions: int = 0
    quantization: Quantization = Quantization()
    vision: int = 0
    vision_whole: int = 0
    vision_rows: int = 0
    multimodal: bool = False
    capture: float = 1.0
    rocm_block: int = 0
    unread: tuple[str, ...] = ()

    @functools.cached_property
    def kinds(self) -> Mapping[Layer, int]:
        """The layers that differ, and how often each stands there."""
        return Counter(self.layers)

    @functools.cached_property
    def experts(self) -> Experts | None:
        """The widest mixture of experts among the layers."""
        found = [layer.mlp for layer in self.kinds if isinstance(layer.mlp, Experts)]
        return max(found, key=lambda mlp: mlp.count * mlp.size, default=None)

    @property
    def context(self) -> int | None:
        """The most tokens that the engine accepts."""
        return self.lengths.limit

    @property
    def parameters(self) -> int:
        """How many there are, of the vision tower about."""
        ends = self.vocabulary * self.hidden * (1 if self.tied else 2)
        inner = sum(count * parameters(layer, self.hidden) for layer, count in self.kinds.items())
        beside = self.vision + self.vision_whole
        return inner + ends + self.positions * self.hidden + beside

    def element_bytes(self, dtype: str = "auto") -> int:
        """Return the bytes of an unquantized element as the engine loads it.

        vLLM's ``auto`` takes single precision as half precision.
        """
        if dtype in ("auto", ""):
            return min(2, DTYPES[self.dtype])
        return DTYPES[dtype]

    def quantized(self, how: Quantization) -> Architecture:
        """Return the same model with other weights."""
        return structs.replace(self, quantization=how)


def architecture(config: Mapping[str, Any]) -> Architecture:
    """Read a Hugging Face ``config.json``.

    A config that lies, lacks something or describes a family that is not known gives an
    `Architecture` with a `problem`. This never raises for what is in the config.

    Examples
    --------
    >>> architecture({"model_type": "perceptron"}).problem
    "the architecture 'perceptron' is not known here"
    """
    try:
        return _believed(_read(Fields(config)))
    except Unreadable as reason:
        return Architecture(problem=str(reason))
    except RecursionError:
        return Architecture(problem="config is nested too deeply")


def _believed(found: Architecture) -> Architecture:
    if found.parameters > MOST_PARAMETERS:
        raise Unreadable(f"{found.parameters:.0e} parameters, which can't be")
    return found


def _read(whole: Fields) -> Architecture:
    outer, outer_traits = family(whole)
    text = whole.part(*keys.TEXT_PARTS) or whole
    name, traits = (
        family(text) if text is not whole and text.has("model_type") else (outer, outer_traits)
    )
    text = Fields(filled(name, text.config), text.name)
    for key in _UNMODELLED:
        if text.get(key):
            raise Unreadable(f"models with {key} are not known here")
    layer_kinds = kinds(text, traits)
    vision = whole.part("vision_config")
    hidden = text.size(*keys.HIDDEN, most=2**17)
    tower = Tower() if vision is None else tower_of(vision, hidden)
    lengths = context(text)
    found = Architecture(
        family=name,
        hidden=hidden,
        vocabulary=text.size("vocab_size"),
        layers=_layers(mixers(text, traits, layer_kinds), mlps(text, traits, layer_kinds)),
        tied=_tied(whole, text, traits),
        dtype=_dtype(whole, text),
        lengths=lengths,
        rotary=_rotary(text, traits),
        deep=len(vision.numbers("deepstack_visual_indexes")) if vision else 0,
        heads=text.amount(*keys.PREDICTING, most=64),
        router=traits.router,
        positions=lengths.limit or 0 if traits.positions else 0,
        quantization=quantization(
            whole.part(*keys.QUANTIZATION) or text.part(*keys.QUANTIZATION), traits.names
        ),
        vision=tower.shared,
        vision_whole=tower.whole,
        vision_rows=tower.rows,
        multimodal=vision is not None,
        capture=traits.capture,
        rocm_block=traits.rocm_block,
    )
    return structs.replace(found, unread=unread(text, text.asked | whole.asked))


def _layers(
    its_mixers: Sequence[Mixer | None], its_mlps: Sequence[Mlp | None]
) -> tuple[Layer, ...]:
    """Return the layers; equal ones are the same object, so that counting them takes no time."""
    pairs = list(zip(its_mixers, its_mlps, strict=True))
    made = {pair: Layer(*pair) for pair in dict.fromkeys(pairs)}
    return tuple(made[pair] for pair in pairs)


def _tied(whole: Fields, text: Fields, traits: Traits) -> bool:
    name = "tie_word_embeddings"
    return whole.flag(name, default=text.flag(name, default=traits.tied))


def _dtype(whole: Fields, text: Fields) -> str:
    named = text.text("dtype", "torch_dtype") or whole.text("dtype", "torch_dtype")
    dtype = (named or "bfloat16").removeprefix("torch.")
    if dtype not in DTYPES:
        raise Unreadable(f"the dtype {dtype!r} is not known here")
    return dtype


def _rotary(text: Fields, traits: Traits) -> int:
    """Return the elements of the tables of sines and cosines.

    vLLM ``model_executor/layers/rotary_embedding/``: a row for each position, of the part of a head
    that is turned. Linear scaling multiplies the rows, positions in three axes (M-RoPE) make them
    four times as many unless they are interleaved, and families with a second base have a second
    table, unscaled.
    """
    heads = text.optional("num_attention_heads")
    rows = text.optional(*keys.LENGTHS, most=MOST_TOKENS)
    if traits.positions or traits.tables == 0 or heads is None or rows is None:
        return 0
    head = text.optional("qk_rope_head_dim", "head_dim") or traits.head
    head = head or text.size("hidden_size") // heads
    its = list(scalings(text))
    linear = (each for each in its if each.text("rope_type", "type") == "linear")
    factor = max((factor_of(each) for each in linear), default=1.0)
    axes = (each for each in its if each.has("mrope_section"))
    if any(not each.flag("mrope_interleaved") for each in axes):
        factor *= _AXES_ROWS
    second = head * (traits.tables - 1)
    return int(rows * (_turned(text, traits, its, head) * factor + second))


def _turned(text: Fields, traits: Traits, its: Sequence[Fields], head: int) -> int:
    """Return the elements of a head's row; a proportional part is filled up with zeros."""
    wide = text.optional("global_head_dim") or text.optional("rotary_dim")
    if wide:
        return wide
    said = [part.get("partial_rotary_factor", "rotary_pct") for part in (*its, text)]
    given = next((each for each in said if each is not None), traits.turned)
    share = given if isinstance(given, float) and 0 < given <= 1 else 1.0
    return int(head * share)


_AXES_ROWS = 4
