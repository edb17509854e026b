"""An evaluation from end to end, with a harness of a few lines on the fake engine."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import aim_jupyter as aim
from aim_jupyter.core.errors import BadUsage, EvalFailed, NoEngine, UnknownName
from aim_jupyter.core.events import listening
from aim_jupyter.work import runs
from aim_jupyter.work.evaluate.evaluation import _chats, told
from aim_jupyter.work.records import EvalRun, Score
from tests.conftest import FakeEngine
from tests.waiting import launch_ready, until
from tests.work.evaluate.fake_harness import installed

TABLE = [{"text": "good", "label": "yes"}, {"text": "bad", "label": "no"}]


@pytest.fixture
def said(fake: FakeEngine, isolated: Path) -> Path:
    fake()
    launch_ready()
    return installed(isolated)


def asked(said: Path) -> list[Any]:
    return [json.loads(line) for line in said.read_text().splitlines()]


def test_scores_and_samples_are_kept_and_listed(said: Path) -> None:
    lines: list[str] = []
    with listening(lines.append):
        handle = aim.evaluate(["arc", "gsm"], "demo", limit=20)
    assert lines[1] == "arc, acc: 0.7500 ± 0.1000, 20 samples"
    run = handle.record
    assert isinstance(run, EvalRun)
    assert (run.rows, run.done, run.sittings) == (2, 2, 1)
    assert run.exam.harness == "lm-eval 0.4.13"
    frame: Any = handle.frame()
    assert frame.index.name == "task"
    assert frame.loc["arc", "score"].tolist() == [0.75, 0.5]
    assert frame.loc["arc", "stderr"].isna().tolist() == [False, True]
    samples: Any = handle.samples()
    assert samples.loc[0, "prompt"] == "Is it?"
    assert samples.loc[0, "score"] == 0.0
    listed: Any = aim.runs().loc[handle.id]
    assert (listed["kind"], listed["state"]) == ("eval", "done")


def test_the_server_is_asked_with_its_key_which_stands_on_no_line(said: Path) -> None:
    aim.evaluate("arc")
    (one,) = asked(said)
    assert one["key"] > 20
    assert one["args"]["model"] == "demo"
    assert one["args"]["max_length"] == 1024
    assert one["args"]["num_concurrent"] == 64, "as many as the engine says it has room for"
    assert not any("key" in word for word in one["argv"])


def test_a_table_is_a_task_and_the_same_one_the_same_run(said: Path) -> None:
    def once(table: Any) -> str:
        handle = aim.evaluate(table=table, prompt="{text}?", answer="label", choices=["yes", "no"])
        return handle.id

    first = once(TABLE)
    assert once(list(TABLE)) == first
    assert once(TABLE[:1]) != first
    assert asked(said)[0]["tasks"] == ["own"]
    assert runs.find(first).read().sittings == 2


def test_what_breaks_off_is_said_and_the_run_kept(said: Path) -> None:
    with pytest.raises(UnknownName, match="task 'ark'"):
        aim.evaluate("ark")
    with pytest.raises(EvalFailed, match="ended with 1: RuntimeError: no more tokens"):
        aim.evaluate("broken")
    assert {folder.state(folder.read()) for folder in runs.folders()} == {"stopped"}


def test_an_interrupt_ends_the_harness(said: Path) -> None:
    def interrupt() -> None:
        until(said.exists)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        aim.evaluate("slow")
    thread.join()
    (folder,) = runs.folders()
    assert not folder.working
    assert folder.read().took_s > 0


def test_what_can_not_be_is_refused(fake: FakeEngine, isolated: Path) -> None:
    fake()
    launch_ready()
    with pytest.raises(NoEngine):
        aim.evaluate("arc")
    installed(isolated)
    with pytest.raises(BadUsage, match="There is no task"):
        aim.evaluate()
    with pytest.raises(BadUsage, match="at least one sample"):
        aim.evaluate("arc", limit=0)
    aim.bench("demo", tokens_in=4, tokens_out=1, at_once=[1], rounds=1)
    with pytest.raises(BadUsage, match="is a bench, no eval"):
        aim.run().samples()


def test_a_model_chats_that_has_a_template(tmp_path: Path) -> None:
    assert not _chats(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": "x"}')
    assert _chats(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    (tmp_path / "chat_template.jinja").touch()
    assert _chats(tmp_path)


def test_a_score_without_an_error_is_told_without() -> None:
    assert told(Score(task="a", metric="acc", score=1.0, samples=1)) == "a, acc: 1.0000, 1 samples"
