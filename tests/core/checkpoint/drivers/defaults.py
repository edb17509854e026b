"""Run by the engine's interpreter: what the classes of transformers and vLLM fill into a config.

Reads ``{"types": [...], "keys": [...]}``; writes ``{model type: {key: value}}``, of the language
model,
with the values that are whole numbers, and None for a type without a class.
"""

import json
import sys
from typing import Any

from transformers import AutoConfig
from vllm.transformers_utils.config import _CONFIG_REGISTRY

# Of these a null says something, and a reduced config leaves it out.
NULLED = ("q_lora_rank", "hidden_size_per_layer_input", "num_kv_shared_layers")
# What other values are worked out from: a default that follows them is none.
CHANGED = ("hidden_size", "num_attention_heads", "num_hidden_layers")


def made(kind: str, **values: Any) -> Any:
    if kind in _CONFIG_REGISTRY:
        return _CONFIG_REGISTRY[kind](**values)
    return AutoConfig.for_model(kind, **values)


def flat(config: Any, keys: list[str]) -> dict[str, Any]:
    known = config.to_dict()
    return {key: known.get(config.attribute_map.get(key, key)) for key in keys}


def defaults(kind: str, keys: list[str]) -> dict[str, Any] | None:
    try:
        inner = made(kind).get_text_config()
    except Exception:  # noqa: BLE001  a class that can't be made without a config has no defaults
        return None
    found = flat(inner, keys)
    constant = {
        key: value for key, value in found.items() if type(value) is int and key not in NULLED
    }
    for key in CHANGED:
        try:
            other = flat(type(inner)(**{key: 2 * getattr(inner, key)}), keys)
        except Exception:  # noqa: BLE001  not every class takes it
            continue
        kept = {name: value for name, value in constant.items() if other[name] == value}
        constant = kept | ({key: found[key]} if key in constant else {})
    return constant


question = json.load(sys.stdin)
answer = {kind: defaults(kind, question["keys"]) for kind in question["types"]}
sys.stdout.write("\n" + json.dumps(answer) + "\n")
