"""The same scores as the harness gives by hand, on the real engine and a real small model."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import aim_jupyter as aim
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.work import runs
from aim_jupyter.work.evaluate import environment
from tests.waiting import launch_ready

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

#: As hard for so small a model as to be right in some and wrong in others.
FACTS = {
    "A dog can fly": "no",
    "Snow is cold": "yes",
    "Seven is more than nine": "no",
    "Paris is in France": "yes",
    "A stone is alive": "no",
    "Milk is white": "yes",
    "The sun is smaller than the moon": "no",
    "Fish live in water": "yes",
    "Ice is hot": "no",
    "A week has seven days": "yes",
}
TABLE = [{"text": text, "label": label} for text, label in FACTS.items()]
CAPITALS = [{"country": "France", "capital": "Paris"}, {"country": "Italy", "capital": "Rome"}]


def by_hand(run: str, folder: ServerFolder) -> dict[str, float]:
    """Return what the harness's own command says of the task of a run."""
    record, place = folder.read(), runs.find(run).path / "harness"
    out = place.parent / "by-hand"
    words = {
        "model": record.plan.model,
        "base_url": f"{record.base_url}/completions",
        "tokenizer": record.plan.model_path,
        "tokenizer_backend": "huggingface",
        "max_length": "512",
    }
    subprocess.run(
        [
            *(environment.python(), "-m", "lm_eval", "run", "--model", "local-completions"),
            *("--model_args", ",".join(f"{name}={said}" for name, said in words.items())),
            *("--tasks", "own", "--include_path", place, "--output_path", out),
        ],
        env={
            **os.environ,
            "OPENAI_API_KEY": folder.key(),
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_OFFLINE": "1",
        },
        check=True,
        timeout=600,
    )
    (found,) = Path(out).rglob("results_*.json")
    figures: dict[str, float] = json.loads(found.read_text())["results"]["own"]
    return figures


def test_a_table_is_scored_as_by_hand_without_the_network(
    real_engine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.install()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    request = Request(model="smollm2", options={"--max-model-len": "512"})
    folder = launch_ready(request, limit_s=600)
    facts = aim.evaluate(
        table=TABLE,
        prompt="{text}. Yes or no? Answer:",
        answer="label",
        choices=["yes", "no"],
    )
    scored: Any = facts.frame().loc["own"]
    told = by_hand(facts.id, folder)
    assert round(scored["score"], 4) == round(told["acc,none"], 4)
    assert round(scored["stderr"], 4) == round(told["acc_stderr,none"], 4)
    assert (scored["samples"], scored["route"]) == (10, "completions")
    assert len(facts.samples()) == 10
    assert 0.0 < scored["score"] < 1.0, "else the error says nothing"
    # Written answers go by the chat route, with the model's own template.
    capitals = aim.evaluate(
        table=CAPITALS, prompt="What is the capital of {country}? One word.", answer="capital"
    )
    assert capitals.frame()["route"].tolist() == ["chat"]
    answers: Any = capitals.samples()["answer"]
    assert "Paris" in answers[0]
