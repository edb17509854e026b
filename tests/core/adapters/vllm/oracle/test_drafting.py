"""Drafters that vLLM's own code builds beside a model, and where they are put for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import engines, fit
from aim_jupyter.core.adapters.vllm import exact
from aim_jupyter.core.adapters.vllm.oracle import drafting
from aim_jupyter.core.checkpoint import models
from tests.core.checkpoint.test_drafting import EAGLE3, LLAMA

ASKED = {"method": "eagle3", "model": "some/head", "num_speculative_tokens": 3}


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    exact.close()


@pytest.mark.parametrize(
    "words",
    [["--speculative-config", json.dumps(ASKED)], [f"--speculative_config={json.dumps(ASKED)}"]],
)
def test_a_drafter_is_put_where_its_config_lies(tmp_path: Path, words: list[str]) -> None:
    found = drafting.in_folder(["--seed", "1", *words], EAGLE3, str(tmp_path))
    said = json.loads(found[-1].partition("=")[2] or found[-1])
    assert said == {**ASKED, "model": str(tmp_path)}
    assert found[:2] == ["--seed", "1"]
    assert json.loads((tmp_path / "config.json").read_text()) == EAGLE3


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
@pytest.mark.timeout(300)
def test_the_engine_builds_a_drafter_beside_the_model() -> None:
    engine, device = engines.choose(platform="cpu"), fit.device("mi300x:1")
    gpu = exact.shown(device.model, device.gfx or "", device.total_bytes)
    assert gpu is not None
    oracle = exact.oracle(engine.python, engine.version or "", gpu)
    assert oracle is not None
    config, length = models.config_of(LLAMA), "--max-model-len=32768"
    alone = oracle.ask(exact.Question(config=config, argv=(length,)))
    words = (length, "--speculative-config", json.dumps(ASKED))
    both = oracle.ask(exact.Question(config=config, argv=words, drafter=EAGLE3))
    assert alone is not None
    assert both is not None
    assert both.get("error") is None
    more = both["weights_bytes"] - alone["weights_bytes"]
    assert more / 2**20 == pytest.approx(818.28, abs=0.1), "as in the table of our own count"
    assert both["block_bytes"] * both["request_blocks"] == 4429185024
