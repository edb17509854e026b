"""Question and answer as plain JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records.fit import Device
from aim_jupyter.testing import sums
from tests.core.fit.memory.test_headers import llama

from .conftest import WriteTensors, ask, small

PROMISED = {
    "verdict",
    "weights_gib_per_gpu",
    "kv_bytes_per_token_per_gpu",
    "available_kv_gib",
    "kv_tokens",
    "max_concurrency",
    "largest_context",
    "terms",
    "counter_offers",
}


def test_the_answer_holds_what_was_promised_and_is_json() -> None:
    answer = sums.answer(
        {
            "model": "meta-llama/Llama-3.3-70B-Instruct",
            "machine": "mi300x:1",
            "tp": 1,
            "dtype": "bfloat16",
            "kv-dtype": "auto",
            "util": 0.92,
            "max-model-len": 131072,
            "max-num-seqs": 256,
            "max-num-batched-tokens": 8192,
            "engine-version": "0.18",
            "weights-gib": 131.42,
        }
    )
    assert set(answer) >= PROMISED
    assert json.loads(json.dumps(answer)) == answer
    assert answer["kv_bytes_per_token_per_gpu"] == 327_680
    for pair in ("available_kv_gib", "kv_tokens", "max_concurrency"):
        low, high = answer[pair]
        assert low <= high


def test_what_can_not_be_told_is_null_and_still_promised() -> None:
    answer = sums.answer({"model": "nobody/knows-this", "machine": "mi300x:1"})
    assert set(answer) >= PROMISED
    assert answer["available_kv_gib"] is None
    assert answer["largest_context"] is None


def test_a_config_may_be_a_file_a_folder_or_an_object(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(small()))
    answers = [
        sums.answer({"config": config, "machine": "mi300x:1"})
        for config in (small(), str(tmp_path / "config.json"), str(tmp_path))
    ]
    assert answers[0] == answers[1] == answers[2]


def test_a_folder_is_counted_by_its_headers(checkpoint: WriteTensors) -> None:
    folder = checkpoint(llama())
    (folder / "config.json").write_text(json.dumps(small()))
    answer = sums.answer({"model": str(folder), "machine": "mi300x:1"})
    assert {t["basis"] for t in answer["terms"] if t["name"] == "weights"} == {"exact"}
    assert answer["verdict"] == "FITS"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"config"', "{}", '{"model_type": 5}'])
def test_a_config_file_that_is_none_is_unknown(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    answer = sums.answer({"config": str(tmp_path / "config.json"), "machine": "mi300x:1"})
    assert answer["verdict"] == "unknown"
    assert answer["notes"][0]


def test_a_folder_that_lies_about_its_layers_is_unknown(checkpoint: WriteTensors) -> None:
    folder = checkpoint(llama(layers=2))
    (folder / "config.json").write_text(json.dumps(small()))
    answer = sums.answer({"model": str(folder), "machine": "mi300x:1"})
    assert answer["verdict"] == "unknown"
    assert "holds 2 layers, its config.json says 4" in answer["notes"][0]


def test_a_machine_may_be_named_described_or_a_record() -> None:
    described = {"model": "MI300X", "total_gib": 196592 / 1024, "gfx": "gfx942", "count": 1}
    record = Device(model="MI300X", family="rocm", total_bytes=196592 * 2**20, gfx="gfx942")
    answers = [ask(machine=machine) for machine in ("mi300x:1", described, record)]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(
    "parameters",
    [
        {"modle": "x"},
        {"tp": 0},
        {"tp": "two"},
        {"users": -1},
        {"util": 0},
        {"util": 1.5},
        {"util": float("nan")},
        {"max_model_len": 0},
        {"block_size": -16},
        {"weights_gib": float("inf")},
        {"available_kv_gib": float("-inf")},
        {"free_gib": float("nan")},
        {"machine": {"model": "x"}},
        {"machine": {"model": "x", "total_gib": float("nan")}},
        {"machine": {"model": "x", "total_gib": -1}},
        {"machine": "mi300x:none"},
        {"machine": "mi300x:0"},
    ],
)
def test_a_question_that_is_none_says_so(parameters: dict[str, Any]) -> None:
    with pytest.raises(BadUsage):
        ask(**parameters)


def test_numbers_may_be_texts() -> None:
    assert ask(tp="1", util="0.92", max_model_len="8192") == ask(util=0.92, max_model_len=8192)


def test_each_line_of_a_batch_has_its_answer() -> None:
    good = json.dumps({"model": "Qwen/Qwen3-8B", "machine": "mi300x:1"})
    lines = [good, "", "not json", '{"tp": "two"}', '{"machine": "xyz", "model": "y"}', "[1]"]
    found = list(sums.answers([*lines, good.encode()]))
    assert [answer["verdict"] for answer in found] == ["FITS", *["unknown"] * 4, "FITS"]
    assert all(answer["reason"] for answer in found)


def test_importing_it_brings_nothing_heavy() -> None:
    program = (
        "import sys\nfrom aim_jupyter.testing import sums\n"
        "sums.answer({'model': 'Qwen/Qwen3-8B', 'machine': 'mi300x:1'})\n"
        "heavy = {'numpy', 'pandas', 'torch', 'huggingface_hub', 'yaml', 'IPython'}\n"
        "others = {m for m in sys.modules if m.startswith('aim_jupyter.core.')}\n"
        "allowed = ('fit', 'checkpoint', 'sizes', 'records', 'errors', 'config', 'adapters',"
        "'files', 'events', 'safetensors', 'devices', 'harmless', 'hints')\n"
        "others = {m for m in others if m.split('.')[2] not in allowed}\n"
        "sys.exit((heavy & set(sys.modules)) or others or None)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
