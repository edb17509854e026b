"""Configs that lie and questions that make no sense, through the command as through the core."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter import cli
from aim_jupyter.core import api, fit
from aim_jupyter.core.sizes import GIB
from aim_jupyter.testing import sums

PROMISED = {
    "verdict", "weights_gib_per_gpu", "kv_bytes_per_token_per_gpu", "available_kv_gib", "kv_tokens",
    "max_concurrency", "largest_context", "terms", "counter_offers",
}  # fmt: skip
# One of each way to keep a request, and of each way to store weights.
REAL = (
    "meta-llama/Llama-3.1-8B-Instruct", "google/gemma-3-12b-it", "openai/gpt-oss-20b",
    "deepseek-ai/DeepSeek-V3.2", "Qwen/Qwen3.5-35B-A3B", "ai21labs/AI21-Jamba-Mini-1.7",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct", "moonshotai/Kimi-Linear-48B-A3B-Instruct",
    "nvidia/NVIDIA-Nemotron-Nano-9B-v2", "Qwen/Qwen2.5-VL-7B-Instruct",
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1, 2, 3, 7, 64, 2**31, 2**63, 10**30, 0.5, 1e308])
    | st.floats()
    | st.text(max_size=12)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@st.composite
def lies(draw: st.DrawFn) -> dict[str, Any]:
    """Return a real config in which up to four things, at any depth, are false or gone."""
    config = copy.deepcopy(dict(fit.config_of(draw(st.sampled_from(REAL)))))
    for _ in range(draw(st.integers(1, 4))):
        part: Any = config
        while isinstance(part, dict) and part:
            key = draw(st.sampled_from(sorted(part)))
            if isinstance(part[key], dict) and draw(st.booleans()):
                part = part[key]
                continue
            if draw(st.integers(0, 3)) == 0:
                del part[key]
            else:
                part[key] = draw(ANYTHING)
            break
    return config


def checked(answer: dict[str, Any]) -> None:
    """Assert what holds for each answer, whatever was asked."""
    assert answer.keys() >= PROMISED
    assert answer["verdict"] in ("FITS", "TIGHT", "NO", "unknown")
    assert answer["reason"] or answer["verdict"] == "FITS"
    json.dumps(answer, allow_nan=False)
    if answer["verdict"] != "FITS":
        return
    weights, (low, high) = answer["weights_gib_per_gpu"], answer["available_kv_gib"]
    assert low <= high
    need = answer["needed_kv_gib"][1]
    assert need <= low, "a FITS rests on a sum"
    assert weights is None or weights + low <= answer["device"]["total_bytes"] / GIB
    assert math.isfinite(need)
    assert need > 0


@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
@given(lies(), st.sampled_from([1, 2, 8]), st.sampled_from([None, 4096, "auto"]))
def test_a_config_that_lies_is_answered_by_the_rules(
    config: dict[str, Any], tp: int, length: Any
) -> None:
    asked = {"config": config, "machine": "mi300x:8", "tp": tp, "max_model_len": length}
    checked(sums.answer(asked))


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET)
@given(config=lies() | ANYTHING, text=st.none() | st.binary(max_size=40))
def test_the_command_answers_any_file(
    config: Any, text: bytes | None, tmp_path: Path, isolated: object
) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(json.dumps(config).encode() if text is None else text)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        words = ["fit", "--config", str(file), "--machine", "mi300x:1", "--json"]
        code = cli.main([*words, "--engine-version", "0.18"])
    answer = json.loads(said.getvalue())
    assert code == 0, answer
    checked(answer)


PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            *("model", "config", "machine", "tp", "pp", "dtype", "kv_dtype", "util"),
            *("max_model_len", "max_num_seqs", "max_num_batched_tokens", "engine_version"),
            *("weights_gib", "available_kv_gib", "kv_cache_gib", "free_gib", "users", "recipe"),
            *("quantization", "enforce_eager", "block_size", "context", "starts"),
        ]
    )
    | st.text(max_size=6),
    ANYTHING,
    max_size=4,
)
BASE = {"model": "Qwen/Qwen3-8B", "machine": "mi300x:8", "engine_version": "0.18"}


@settings(max_examples=200, deadline=None, suppress_health_check=QUIET)
@given(PARAMETERS)
def test_a_line_of_a_batch_is_always_answered(isolated: object, odd: dict[str, Any]) -> None:
    lines = [json.dumps({**BASE, **odd}), json.dumps(BASE)]
    first, second = api.fits(lines)
    assert first["verdict"] in ("FITS", "TIGHT", "NO", "unknown")
    if "settings" in first:
        checked(first)
    else:
        assert first["reason"], "what is wrong with the question"
    assert second["verdict"] == "FITS", "a bad line hurts no other"


@pytest.mark.parametrize("line", ["", "[]", "{", "null", '"x"', "\x00", "{}", '{"model": 3}'])
def test_a_line_that_is_no_question(line: str, isolated: object) -> None:
    for answer in api.fits([line]):
        assert answer["verdict"] == "unknown"
        assert answer["reason"]
