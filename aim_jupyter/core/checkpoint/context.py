"""How long a request may be: what the engine derives from lengths and rope scaling.

Source: vLLM 0.32 ``config/model.py`` (``_get_and_verify_max_len``) and
``transformers_utils/model_arch_config_convertor.py`` (``derive_max_model_len_and_key``), whose
``ModelConfig`` was asked with the configs of ``tests/core/checkpoint/test_context.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from aim_jupyter.core.checkpoint import keys
from aim_jupyter.core.checkpoint.abilities import longest_sentence
from aim_jupyter.core.checkpoint.fields import MOST_TOKENS, Fields, Unreadable

MOST_FACTOR = 2**20
# Where the config's own length is the scaled one already; YaRN since vLLM 0.32.
_SCALED = ("su", "longrope", "llama3", "deepseek_yarn", "deepseek_llama_scaling", "yarn")
_NEED_FACTOR = ("linear", "dynamic", "ntk", "yarn", "llama3")


class Context(Struct, frozen=True):
    """Tokens of one request.

    Attributes
    ----------
    limit : int or None
        Most that the engine accepts.
    usual : int or None
        What it takes where nothing is said.
    before : int or None
        Most that releases before 0.32 accepted, which multiplied by YaRN's factor.
    """

    limit: int | None = None
    usual: int | None = None
    before: int | None = None


def context(text: Fields) -> Context:
    """Return how long a request of this language model may be.

    Raises
    ------
    Unreadable
        If the engine would end on what is said.
    """
    length = _length(text)
    if length is None:
        return Context()
    factor, stretched = 1.0, 1.0
    own: int | None = None
    for scaling in scalings(text):
        kind = scaling.text("rope_type", "type")
        given = factor_of(scaling)
        if kind == "yarn":
            first = scaling.optional("original_max_position_embeddings", most=MOST_TOKENS)
            stretched = max(stretched, (first or length) * given / length)
        elif kind not in _SCALED and "factor" in scaling.config:
            factor = given
        if kind == "longrope":
            own = text.optional("original_max_position_embeddings", most=MOST_TOKENS)
    if "gemma3" in text.text("model_type"):
        factor = 1.0
    limit = int(length * factor)
    return Context(limit, own or limit, int(length * max(factor, stretched)))


def longest(config: Mapping[str, Any]) -> int | None:
    """Return the most tokens that a ``config.json`` allows, None where it does not say."""
    try:
        whole = Fields(config)
        limit = context(whole.part(*keys.TEXT_PARTS) or whole).limit
    except Unreadable:
        return None
    # vLLM takes what Sentence Transformers wrote for the limit (``_get_encoder_config``).
    return min((each for each in (limit, longest_sentence(config)) if each), default=None)


def scalings(text: Fields) -> Iterator[Fields]:
    """Yield the rope parameters; some models have others for each kind of layer."""
    part = text.part("rope_parameters", "rope_scaling")
    if part is None:
        return
    inner = [each for each in part.config.values() if isinstance(each, dict)]
    if inner and not part.has("rope_type", "type", "factor"):
        yield from (Fields(each, part.name) for each in inner)
    else:
        yield part


def factor_of(scaling: Fields) -> float:
    """Return by how much positions are stretched: 1 where the factor is null."""
    kind = scaling.text("rope_type", "type")
    if kind in _NEED_FACTOR and "factor" not in scaling.config:
        raise Unreadable(f"rope scaling of type {kind} without a factor, which the engine refuses")
    factor = scaling.get("factor")
    if factor is None:
        return 1.0
    if isinstance(factor, bool) or not isinstance(factor, (int, float)):
        raise Unreadable(f"a rope factor that is no number: {str(factor)[:24]!r}")
    if not 0 < factor <= MOST_FACTOR:
        raise Unreadable(f"a rope factor of {factor}, which can't be")
    return float(factor)


def _length(text: Fields) -> int | None:
    found = text.each(keys.LENGTHS, most=MOST_TOKENS)
    own = text.optional("model_max_length", most=MOST_TOKENS)
    return own or min(found, default=None)
