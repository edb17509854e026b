"""What drafts tokens ahead of a model: heads of its own (MTP), EAGLE, or another model.

Source: vLLM 0.32 ``config/speculative.py``, ``model_executor/models/`` (deepseek_mtp.py,
qwen3_5_mtp.py, llama_eagle.py, llama_eagle3.py) and ``v1/worker/gpu/spec_decode/``, whose own
drafters were built beside their models by `adapters.vllm.oracle.drafting`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, structs

from aim_jupyter.core.checkpoint.architecture import Architecture, architecture
from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.layers import Attention, Latent, Layer
from aim_jupyter.core.checkpoint.quantization import Quantization
from aim_jupyter.core.records.fit import Speculation

MOST_TOKENS = 1024  # drafted in a step

_WITHOUT_WEIGHTS = ("ngram", "ngram_gpu", "suffix", "[ngram]")
Words = Literal["shared", "head", "own"]


class Drafter(Struct, frozen=True, kw_only=True, cache_hash=True):
    """What is loaded beside a model.

    Attributes
    ----------
    problem : str
        Why nothing can be said of it, empty where all is known. Then nothing else is.
    model : Architecture
        Its layers, which keep caches as the model's own do.
    tokens : int
        Drafted in a step.
    words : str
        Whether its words are those of the model, only its output is its own, or all of it.
    whole, split : int
        Elements beside its layers: of which each GPU holds all, or its share.
    """

    problem: str = ""
    model: Architecture = Architecture()
    tokens: int = 1
    words: Words = "shared"
    whole: int = 0
    split: int = 0


def speculation(said: Any) -> Speculation | None:
    """Return what a ``--speculative-config`` asks for, None where it asks for nothing that is read.

    Examples
    --------
    >>> speculation('{"method": "mtp", "num_speculative_tokens": 3}').tokens
    3
    """
    try:
        fields = Fields(json.loads(said) if isinstance(said, str) else said)
        return Speculation(
            method=fields.text("method").lower(),
            model=fields.text("model"),
            tokens=fields.size("num_speculative_tokens", default=1, most=MOST_TOKENS),
        )
    except (ValueError, RecursionError, Unreadable):
        return None  # the engine will say what it thinks of it


def drafter(
    asked: Speculation, model: Architecture, config: Mapping[str, Any] | None
) -> Drafter | None:
    """Return what is loaded for a model, None where nothing is.

    Parameters
    ----------
    config : mapping or None
        The ``config.json`` of what drafts, where that is another checkpoint and is known.

    Returns
    -------
    Drafter or None
        With a `problem` where there is no telling what it takes.
    """
    try:
        return _drafter(asked, model, config)
    except Unreadable as reason:
        return Drafter(problem=str(reason))


def _drafter(
    asked: Speculation, model: Architecture, config: Mapping[str, Any] | None
) -> Drafter | None:
    if asked.method in _WITHOUT_WEIGHTS or model.problem:
        return None
    if _is_eagle(asked, config):
        return _eagle(asked, model, config)
    if not asked.model or asked.method.endswith("mtp"):
        return _heads(asked, model)
    if config is None:
        raise Unreadable(f"{asked.model}, which drafts, is not known here")
    if asked.method not in ("", "draft_model"):
        raise Unreadable(f"drafting by {asked.method!r} is not known here")
    own = architecture(config)
    if own.problem:
        raise Unreadable(f"{asked.model}, which drafts: {own.problem}")
    return Drafter(model=own, tokens=asked.tokens, words="own")


def _heads(asked: Speculation, model: Architecture) -> Drafter:
    """Return the model's own: a layer like its last that attends, fed by words and hidden states.

    vLLM builds all that the checkpoint has, and runs them in turn.
    """
    attending = [each for each in model.layers if isinstance(each.mixer, Attention | Latent)]
    if not attending:
        raise Unreadable("a model without attention has no heads that draft")
    last = next((each for each in reversed(attending) if each.mlp), attending[-1])
    count = max(1, model.heads)
    own = structs.replace(
        model, layers=(last,) * count, vision=0, rotary=0, positions=0, deep=0, tied=True
    )
    joined = 2 * model.hidden * model.hidden * count
    return Drafter(model=own, tokens=asked.tokens, whole=joined)


def _is_eagle(asked: Speculation, config: Mapping[str, Any] | None) -> bool:
    said = f"{asked.method} {(config or {}).get('architectures')} {asked.model}"
    return not asked.method.endswith(("mtp", "draft_model")) and "eagle" in said.lower()


def _eagle(asked: Speculation, model: Architecture, config: Mapping[str, Any] | None) -> Drafter:
    """Return EAGLE's layers, which read hidden states of the model; those of EAGLE-3 three of them.

    One that is not known is taken for a layer of the shape that published ones have.
    """
    third = "3" in asked.method or "eagle3" in f"{asked.model} {config}".lower()
    own = _eagles_own(model, config)
    layer = own.layers[0]
    words = int((config or {}).get("draft_vocab_size") or 0) or _WORDS if third else 0
    joined = (3 if third else 2) * own.hidden * own.hidden
    wider = _keys(layer, own.hidden) if third else 0
    made = structs.replace(own, vocabulary=words or own.vocabulary, vision=0, quantization=_PLAIN)
    return Drafter(
        model=made,
        tokens=asked.tokens,
        words="head" if third else "shared",
        whole=joined,
        split=wider,
    )


def _eagles_own(model: Architecture, config: Mapping[str, Any] | None) -> Architecture:
    if config is not None:
        inner = config.get("transformer_layer_config") or config
        kind = {"model_type": inner.get("model_type") or "llama"}
        found = architecture({**inner, **kind, "architectures": None})
        if found.problem:
            raise Unreadable(f"the EAGLE head: {found.problem}")
        return found
    attending = [each.mixer for each in model.layers if isinstance(each.mixer, Attention)]
    if not attending:
        raise Unreadable("the EAGLE head is not known here")
    inner = {
        "model_type": "llama",
        "num_hidden_layers": 1,
        "hidden_size": model.hidden,
        "num_attention_heads": attending[-1].heads,
        "num_key_value_heads": attending[-1].kv_heads,
        "head_dim": attending[-1].head,
        "intermediate_size": 4 * model.hidden,
        "vocab_size": model.vocabulary,
    }
    return architecture(inner)


def _keys(layer: Layer, hidden: int) -> int:
    """Return the elements of queries, keys and values for a second input of `hidden`."""
    its = layer.mixer
    if not isinstance(its, Attention):
        return 0
    return hidden * (its.heads * its.head + its.kv_heads * (its.head + its.head_v))


_WORDS = 32_000  # of EAGLE-3 heads, where nothing is said
_PLAIN = Quantization()
