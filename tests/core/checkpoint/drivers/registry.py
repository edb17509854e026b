"""Run by the engine's interpreter: the names of vLLM's registry, drafters apart."""

import json
import sys

from vllm.model_executor.models import registry

SECTIONS = ("TEXT_GENERATION", "EMBEDDING", "LATE_INTERACTION", "REWARD", "TOKEN_CLASSIFICATION",
            "SEQUENCE_CLASSIFICATION", "MULTIMODAL")  # fmt: skip
names = {name for section in SECTIONS for name in getattr(registry, f"_{section}_MODELS")}
drafters = set(registry._SPECULATIVE_DECODING_MODELS)
sys.stdout.write(
    "\n" + json.dumps({"models": sorted(names - drafters), "drafters": sorted(drafters)}) + "\n"
)
