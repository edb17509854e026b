"""Run by the engine's interpreter: the tensors of a config, from transformers' own classes.

Reads a ``config.json`` a line, writes a line of ``{name: shape}`` for each. No memory is taken: the
models are made on torch's "meta" device.
"""

import json
import sys
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText


def shapes(config: dict[str, Any]) -> dict[str, list[int]]:
    fields = {name: value for name, value in config.items() if name != "model_type"}
    made = AutoConfig.for_model(config["model_type"], **fields)
    auto = AutoModelForImageTextToText if "vision_config" in config else AutoModelForCausalLM
    with torch.device("meta"):
        model = auto.from_config(made)
    return {name: list(tensor.shape) for name, tensor in model.named_parameters()}


answer: Any
for line in sys.stdin:
    try:
        answer = shapes(json.loads(line))
    except Exception as error:  # noqa: BLE001  the test decides what an error means
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
