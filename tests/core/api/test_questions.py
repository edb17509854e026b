"""The plan as scripts ask for it: one dictionary in, one out."""

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from aim_jupyter.core.api.questions import plans_for
from aim_jupyter.core.records import EngineEnvironment
from tests.core.conftest import Write
from tests.core.recipes.test_aim import COUNTS, GPUS, METRICS
from tests.core.recipes.test_catalogue import AMD

Answer = dict[str, Any]
Ask = Callable[[Answer], Answer]


@pytest.fixture
def ask(vllm: EngineEnvironment, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that answers one question, with a recorded vLLM as the engine here."""
    here = structs.replace(vllm, usable=True)
    monkeypatch.setattr("aim_jupyter.core.engines.choose", lambda *_, **__: here)
    monkeypatch.setattr("aim_jupyter.core.engines.answered", lambda _: [here])
    return lambda question: next(iter(plans_for([question])))


def test_a_plan(ask: Ask) -> None:
    answer = ask({"model": "qwen3-32b", "machine": "mi300x:8", "metric": "latency"})
    assert {"recipe_id", "origin", "argv", "env", "gpus", "reasons", "changes"} <= answer.keys()
    assert (answer["model"], answer["recipe_id"]) == ("Qwen/Qwen3-32B", "mi300x-fp16-tp1")
    assert (answer["origin"], answer["gpus"]) == ("amd-validated", [0])
    assert answer["argv"][:2] == ["/nowhere/python", "Qwen/Qwen3-32B"]
    assert "--max-num-seqs" in answer["argv"]
    assert answer["changes"] == []
    json.dumps(answer)


def test_all_cells_are_answered(ask: Ask, vllm: EngineEnvironment) -> None:
    names = {name for flag in vllm.flags for name in flag.names}
    plans = 0
    for model, gpu, count, metric in product(AMD, GPUS, COUNTS, METRICS):
        asked = {"model": model, "machine": f"{gpu.lower()}:{count}", "metric": metric}
        answer = ask(asked)
        if "error" in answer:
            assert answer["nearest"], asked
            continue
        plans += 1
        assert len(answer["gpus"]) <= count * (2 if gpu == "MI250X" else 1)  # two devices a card
        assert {word for word in answer["argv"] if word.startswith("--")} <= names
        assert answer["changes"] == []
    # The rest: too large for so few GPUs, or gpt-oss on MI250X, which AMD leaves to the user.
    assert plans == 470


def test_policy_aim_over_amds_folder(ask: Ask, aim_profiles: Path) -> None:
    asked = {"model": "Qwen/Qwen3-32B", "policy": "aim", "recipes": str(aim_profiles)}
    one = ask({**asked, "machine": "mi300x:1", "precision": "auto", "metric": "auto"})
    assert one["recipe_id"] == "vllm-mi300x-fp16-tp1-latency"
    assert "--swap-space dropped" in " ".join(one["changes"])
    two = ask({**asked, "machine": "mi300x:2"})
    assert two["error"].startswith("No compatible profile for Qwen/Qwen3-32B: ")
    assert any("--recipe vllm-mi300x-fp16-tp2-latency" in line for line in two["nearest"])
    fallback = ask({**asked, "machine": "mi300x:2", "fallback": True})
    assert fallback["recipe_id"] == "general/vllm-mi300x-fp16-tp2-latency"
    by_id = ask({**asked, "machine": "mi300x:1", "recipe": "vllm-mi325x-fp8-tp2-latency"})
    assert by_id["recipe_id"] == "vllm-mi325x-fp8-tp2-latency"


def test_the_default_says_where_amds_rules_differ(ask: Ask, aim_profiles: Path) -> None:
    asked = {"model": "Qwen/Qwen3-32B", "recipes": [str(aim_profiles)]}
    two = ask({**asked, "machine": "mi300x:2"})
    assert any(
        line.startswith("policy aim, AMD's own rules, finds nothing") for line in two["reasons"]
    )
    eight = ask({"model": "Llama-3.1-8B-Instruct", "machine": "mi300x:1"})
    assert "policy aim, AMD's own rules, would take mi300x-fp8-tp1" in eight["reasons"]


def test_the_word_of_a_gpu_model(ask: Ask, aim_profiles: Path) -> None:
    asked = {"model": "Qwen/Qwen3-32B", "recipes": str(aim_profiles), "gpu_model": "MI300X"}
    trusted = ask({**asked, "machine": "mi250x:4", "policy": "aim", "precision": "fp16"})
    assert trusted["recipe_id"] == "vllm-mi300x-fp16-tp1-latency"
    two = ask({**asked, "machine": "cpu", "policy": "aim", "most_gpus": 2, "fallback": True})
    assert two["recipe_id"] == "general/vllm-mi300x-fp16-tp2-latency"
    assert "error" in ask({**asked, "machine": "mi250x:4"})


def test_set_and_unset(ask: Ask) -> None:
    asked = {"model": "qwen3-32b", "machine": "mi300x:1"}
    answer = ask(
        {
            **asked,
            "set": ["max-num-seqs=8", "enable-chunked-prefill"],
            "unset": "async-scheduling",
            "env": {"VLLM_ROCM_USE_AITER": "0"},
            "context": 8192,
        }
    )
    words = " ".join(answer["argv"])
    assert "--max-num-seqs 8" in words
    assert "--max-model-len 8192" in words
    assert "--enable-chunked-prefill" in words
    assert "--async-scheduling" not in words
    assert answer["env"]["VLLM_ROCM_USE_AITER"] == "0"
    assert len(answer["changes"]) == 4
    assert ask({**asked, "set": {"max-num-seqs": 8}})["changes"]


@pytest.mark.parametrize(
    ("asked", "error", "nearest"),
    [
        ({"model": "qwen3-33b"}, "There is no model 'qwen3-33b'.", "Qwen/Qwen3-32B"),
        ({"model": "qwen3-32b", "metrik": 1}, "There is no parameter 'metrik'.", "metric"),
        ({"model": "qwen3-32b", "metric": "fast"}, "metric: Invalid enum value", "one of latency"),
        (
            {"model": "qwen3-32b", "precision": "fp9"},
            "precision: there is no 'fp9'.",
            "one of fp32",
        ),
        ({"model": 3}, "model is 3.", None),
        ({}, "model is None.", None),
        ({"model": "qwen3-32b", "recipe": "x"}, "There is no recipe 'x'.", "%aim recipes Qwen"),
        ({"model": "qwen3-32b", "gpus": [9]}, "There is no GPU 9; this machine has 0", "%aim gpus"),
        (
            {"model": "qwen3-32b", "recipes": "/no/such"},
            "There is no recipe folder /no/such.",
            "name",
        ),
        ({"model": "qwen3-32b", "set": ["swap-space=4"]}, "--swap-space is gone from vLLM", None),
        (
            {"model": "qwen3-32b", "policy": "best"},
            "policy: Invalid enum value",
            "one of default, aim",
        ),
    ],
)
def test_errors(ask: Ask, asked: Answer, error: str, nearest: str | None) -> None:
    answer = ask({"machine": "mi300x:2", **asked})
    assert set(answer) == {"error", "nearest"}
    assert answer["error"].startswith(error)
    assert nearest is None or answer["nearest"][0].startswith(nearest)


def test_a_refusal_names_what_works(ask: Ask) -> None:
    answer = ask({"model": "Llama-3.1-405B-Instruct", "machine": "mi250x:1"})
    assert answer["error"].startswith("mi250x-bf16-tp2: 327.4 GiB short before ")
    assert answer["nearest"][0] == ("%aim plan Llama-3.1-405B-Instruct --machine mi350x:1")


def test_each_folder_is_read_once(
    vllm: EngineEnvironment, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = structs.replace(vllm, usable=True)
    monkeypatch.setattr("aim_jupyter.core.engines.choose", lambda *_, **__: here)
    monkeypatch.setattr("aim_jupyter.core.engines.answered", lambda _: [here])
    folder = write("org/m.yaml", "model: org/m\nweights: {bf16: org/m}\n")
    asked = {"model": "org/m", "machine": "cpu", "recipes": str(folder)}
    answers = plans_for([asked, asked])
    first = next(answers)
    assert first["model"] == "org/m"
    (folder / "org/m.yaml").unlink()
    assert next(answers) == first
