"""Run by the engine's interpreter: whether vLLM finds a model whole, for each folder named.

It does what a start does with the files before it needs a device: the config, the tokenizer and the
list of weights, through vLLM's own functions and without network.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["VLLM_LOGGING_LEVEL"] = "ERROR"


def starts(model: str) -> str:
    """Return what vLLM says of a model's files, empty if it can load them."""
    from safetensors import safe_open
    from vllm.config.load import LoadConfig
    from vllm.model_executor.model_loader.default_loader import DefaultModelLoader
    from vllm.tokenizers import get_tokenizer
    from vllm.transformers_utils.config import get_config
    from vllm.transformers_utils.repo_utils import get_model_path

    try:
        folder = str(get_model_path(model))
        get_config(folder, trust_remote_code=False)
        get_tokenizer(folder)
        loader = DefaultModelLoader(LoadConfig())
        _, files, *_ = loader._prepare_weights(
            folder,
            subfolder=None,
            revision=None,
            fall_back_to_pt=True,
            allow_patterns_overrides=None,
        )
        for file in files:
            if file.endswith(".safetensors"):
                safe_open(file, framework="pt").keys()
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:150] if str(error) else ''}"
    return ""


print(json.dumps({model: starts(model) for model in sys.argv[1:]}))
