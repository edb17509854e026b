"""A process that answers lines."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from aim_jupyter.core.adapters.vllm.answering import Answering

ECHO = (
    "import json, os, sys, time\n"
    "print(json.dumps({'ready': os.environ.get('SAID', '')}), flush=True)\n"
    "for line in sys.stdin:\n"
    "    time.sleep(float(line))\n"
    "    print(json.dumps({'pid': os.getpid(), 'slept': float(line)}), flush=True)\n"
)


def test_it_is_started_once_and_again_after_it_was_too_slow() -> None:
    process = Answering([sys.executable, "-c", ECHO], cold_s=30.0)
    first = process.ask("0", 30.0)
    assert first is not None
    assert process.ask("0", 30.0) == first
    assert process.ask("60", 0.3) is None
    again = process.ask("0.01", 30.0)
    assert again is not None
    assert again["slept"] == 0.01, "a late answer is never read as that of the next"
    assert again["pid"] != first["pid"]
    process.close()


def test_an_interrupt_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Answering([sys.executable, "-c", ECHO], cold_s=30.0)
    assert process.ask("0", 30.0) is not None

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(process, "_line", interrupted)
        with pytest.raises(KeyboardInterrupt):
            process.ask("0", 30.0)
    assert process._process is None


def test_variables_reach_it_and_no_word_of_its_line(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = f"import os; open({str(said)!r}, 'w').write(os.environ['SAID']); print('{{}}')"
    process = Answering([sys.executable, "-c", script], cold_s=30.0, env={"SAID": "secret"})
    process.ask("1", 0.1)
    process.close()
    assert said.read_text() == "secret"


def test_what_can_not_be_started_or_is_not_ready_in_time_answers_nothing() -> None:
    assert Answering(["/no/such/python"], cold_s=1.0).ask("1", 1.0) is None
    began = time.monotonic()
    slow = Answering([sys.executable, "-c", "import time; time.sleep(600)"], cold_s=0.2)
    assert slow.ask("1", 600.0) is None
    assert time.monotonic() - began < 300
