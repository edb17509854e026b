"""Recipes by rule, for models that nobody has written one for."""

from __future__ import annotations

from typing import Any

from aim_jupyter.core.records import Model, Recipe, Weights

ENGINE_BYTES = 1_056 << 20
"""The demo server without its KV cache and weights: 1,123 MiB PSS with 64 MiB of KV, vLLM 0.32."""

MOST_CONTEXT = 4096
SOURCE = "derived from config.json"


def derive(name: str, config: dict[str, Any]) -> Model:
    """Return a model with derived recipes for any Hugging Face repository or local folder.

    Parameters
    ----------
    name : str
        The repository, or the path of the folder.
    config : dict
        Its ``config.json``.
    """
    return Model(name=name, facts=config, recipes=(_cpu(name, config),))


def _cpu(name: str, config: dict[str, Any]) -> Recipe:
    context = min(int(config.get("max_position_embeddings") or MOST_CONTEXT), MOST_CONTEXT)
    weights, token = _weights_bytes(config), _token_bytes(config)
    kv = 1 << max(26, (2 * context * token - 1).bit_length())
    return Recipe(
        id="cpu-bf16-tp1",
        model=name,
        weights=Weights(repo=name, precision="bf16"),
        gpu_model="cpu",
        engines="vllm>=0.18",
        args={
            "enforce-eager": None,
            "kv-cache-memory-bytes": f"{kv >> 20}M",
            "max-model-len": context,
        },
        env={"VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
        source=SOURCE,
        context_tokens=context,
        memory_bytes=weights + kv + ENGINE_BYTES if weights and token else None,
    )


def _token_bytes(config: dict[str, Any]) -> int:
    """Return the KV cache bytes of one token in bf16, 0 where the config does not say."""
    layers = config.get("num_hidden_layers") or 0
    heads = config.get("num_attention_heads") or 0
    kv_heads = config.get("num_key_value_heads") or heads
    head = config.get("head_dim") or (config.get("hidden_size") or 0) // (heads or 1)
    return int(2 * layers * kv_heads * head * 2)


def _weights_bytes(config: dict[str, Any]) -> int:
    """Return the bf16 bytes of a dense model, 0 where the config does not say."""
    try:
        layers, hidden = config["num_hidden_layers"], config["hidden_size"]
        heads, inner = config["num_attention_heads"], config["intermediate_size"]
        vocabulary = config["vocab_size"]
    except KeyError:
        return 0
    head = config.get("head_dim") or hidden // heads
    kv_heads = config.get("num_key_value_heads") or heads
    attention = hidden * head * (2 * heads + 2 * kv_heads)
    embeddings = vocabulary * hidden * (1 if config.get("tie_word_embeddings") else 2)
    return int(2 * (layers * (attention + 3 * hidden * inner) + embeddings))
