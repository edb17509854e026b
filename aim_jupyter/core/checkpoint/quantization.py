"""Which format each matrix of a checkpoint is stored in, by its ``quantization_config``.

Every method becomes a list of rules, of which the first that means a matrix decides; weights, the
type of the KV cache and the name of a recipe's precision come from those alone. `methods` reads
them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.formats import FP8, FP8_TENSOR, TENSOR, Format
from aim_jupyter.core.checkpoint.modules import Names, spelled

Said = tuple[tuple[str, str], ...]

_LEAF = 3  # dots in the shortest name of a matrix of a layer
# Methods whose FP8 with one scale goes through ``process_fp8_weight_tensor_strategy``.
_LENGTHENED = ("fp8", "fp8_per_tensor", "compressed-tensors")


class Rule(Struct, frozen=True):
    """The matrices that `names` mean have `format`; None leaves them in the model's dtype."""

    names: Names
    format: Format | None


class Quantization(Struct, frozen=True, kw_only=True, cache_hash=True, dict=True):
    """What is stored in fewer bits.

    Attributes
    ----------
    name : str
        The method, empty for none.
    rules : tuple of Rule
        The first that means a matrix decides; what none means stays as it is.
    kv : str
        What the engine makes of a KV cache of type ``auto``: empty for the model's dtype.
    head : bool
        Whether the output head may be covered.
    padded : bool
        Whether experts are widened to what the kernels want.
    said : pairs of str
        What the family calls parts of a layer.
    """

    name: str = ""
    rules: tuple[Rule, ...] = ()
    kv: str = ""
    head: bool = False
    padded: bool = False
    said: Said = ()

    @functools.cached_property
    def narrowest(self) -> Format | None:
        """The format with the fewest bits: it names the whole."""
        found = [rule.format for rule in self.rules if rule.format is not None]
        return min(found, key=lambda each: each.bits, default=None)

    @property
    def precision(self) -> str:
        """What recipes call it, empty for none."""
        return self.narrowest.name if self.narrowest else ""

    @property
    def activations8(self) -> bool:
        """Whether activations are quantized to 8 bits too, into buffers of their own."""
        return self.narrowest is not None and self.narrowest.bits == FP8.bits

    @property
    def width(self) -> Literal["none", "bits8", "bits4"]:
        """How wide the elements of the covered matrices are."""
        if self.narrowest is None:
            return "none"
        return "bits8" if self.activations8 else "bits4"

    def names(self, layer: int) -> bool:
        """Whether a rule may mean a layer by its number: the others are covered alike."""
        return any(rule.names.numbered(layer) for rule in self.rules)

    @functools.cached_property
    def tower(self) -> Format | None:
        """How what sees is stored: FP8 alone covers it, and only where no name leaves it out.

        vLLM's ``fp8`` compares whole names (``is_layer_skipped``), so that of a part means nothing.
        """
        if self.name != FP8.name or self.narrowest is None:
            return None
        named = (name for rule in self.rules if rule.format is None for name in rule.names.names)
        out = any("vis" in name and name.count(".") > _LEAF for name in named)
        return None if out else self.narrowest

    def lengthened(self, stored: Format) -> bool:
        """Whether ROCm lengthens rows of this format; `weights` says how."""
        if stored.name != FP8.name:
            return False
        blocks = stored.rows > 1 and stored.columns > 1
        return blocks or (stored.columns == TENSOR and self.name in _LENGTHENED)

    def format_of(self, module: str) -> Format | None:
        """Return how the matrix of `module` is stored, None for in the model's dtype.

        Parameters
        ----------
        module : str
            Such as ``model.layers.3.self_attn.q_proj`` or ``lm_head``.
        """
        if not self.rules or (module == "lm_head" and not self.head):
            return None
        name = spelled(module, self.said)
        return next((rule.format for rule in self.rules if rule.names.mean(name)), None)


def online(name: str) -> Quantization:
    """Return what the engine makes of an unquantized checkpoint with ``--quantization name``.

    Raises
    ------
    Unreadable
        If it is not one that is known here.
    """
    shapes = {
        "fp8": FP8_TENSOR,
        "fp8_per_tensor": FP8_TENSOR,
        "fp8_per_channel": FP8,
        "ptpc_fp8": FP8,
        "fp8_per_block": Format("fp8", 8, 128, 128),
    }
    if name not in shapes:
        raise Unreadable(f"online quantization {name!r} is not known here")
    return Quantization(name=name, rules=(Rule(Names("all"), shapes[name]),))


def beside(config: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a config with what ``hf_quant_config.json`` says beside it.

    ModelOpt up to 0.29 wrote there what belongs into ``config.json``; vLLM reads it where the
    config says nothing, and knows the method by its producer (``transformers_utils/config.py``).
    """
    producer = Fields(other).part("producer")
    modelopt = producer is not None and producer.get("name") == "modelopt"
    if config.get("quantization_config") is not None or not modelopt:
        return config
    return {**config, "quantization_config": {**other, "quant_method": "modelopt"}}
