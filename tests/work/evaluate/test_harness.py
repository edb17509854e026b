"""What runs in the harness's interpreter: here with a harness of a few lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from aim_jupyter.work.evaluate import harness
from tests.work.evaluate.fake_harness import package


def asked(tmp_path: Path, **wanted: Any) -> tuple[list[Any], list[Any]]:
    """Return what it has answered, and what it has asked the harness for."""
    said = tmp_path / "said"
    usual = {
        "folder": str(tmp_path),
        "model": "m",
        "base_url": "http://h/v1",
        "tokenizer": "/m",
        "at_once": 4,
        "context": 512,
        "limit": None,
        "shots": None,
        "chat": True,
    }
    done = subprocess.run(
        [sys.executable, "-P", harness.__file__],
        input=json.dumps(usual | wanted),
        env={
            **os.environ,
            "PYTHONPATH": str(package(tmp_path / "site")),
            "HARNESS_SAID": str(said),
            "OPENAI_API_KEY": "key",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = said.read_text().splitlines() if said.exists() else []
    return lines, [json.loads(line) for line in told]


def test_what_is_written_goes_by_chat_and_what_is_chosen_by_completions(tmp_path: Path) -> None:
    parts, told = asked(tmp_path, tasks=["gsm", "arc", "mixed"])
    assert [(one["model"], one["tasks"]) for one in told] == [
        ("local-completions", ["arc", "mixed"]),
        ("local-chat-completions", ["gsm"]),
    ]
    assert told[0]["args"]["base_url"] == "http://h/v1/completions"
    assert told[1]["args"]["base_url"] == "http://h/v1/chat/completions"
    assert [one["apply_chat_template"] for one in told] == [False, True]
    assert told[0]["args"]["num_concurrent"] == 4
    assert [part["route"] for part in parts] == ["completions", "chat"]


def test_a_model_without_a_template_is_asked_by_completions_alone(tmp_path: Path) -> None:
    _, told = asked(tmp_path, tasks=["gsm"], chat=False)
    assert [one["model"] for one in told] == ["local-completions"]


def test_scores_have_their_errors_and_samples_what_was_asked(tmp_path: Path) -> None:
    (part,), _ = asked(tmp_path, tasks=["arc"], limit=20)
    acc, f1 = part["scores"]
    assert (acc["metric"], acc["score"], acc["error"], acc["filter"]) == ("acc", 0.75, 0.1, "none")
    assert (acc["samples"], acc["of"], acc["version"]) == (20, 100, "1.0")
    assert (f1["filter"], f1["error"]) == ("strict", None)
    (sample,) = part["samples"]
    assert sample["prompt"] == "Is it?"
    assert (sample["target"], sample["answer"], sample["metrics"]) == ("yes", '["no"]', {"acc": 0})


def test_a_task_that_is_not_known_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    (part,), told = asked(tmp_path, tasks=["arc", "arcc"])
    assert part["unknown"] == ["arcc"]
    assert "arc" in part["known"]
    assert told == []
