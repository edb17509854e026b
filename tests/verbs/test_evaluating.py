"""An evaluation by a line: the same as by Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.commands import work
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.verbs import evaluating
from tests.commands.test_handlers import given
from tests.conftest import FakeEngine
from tests.waiting import launch_ready
from tests.work.evaluate.fake_harness import installed


def test_a_line_and_python_are_the_same_run(
    fake: FakeEngine, isolated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    launch_ready()
    installed(isolated)
    (isolated / "own.csv").write_text("text,label\ngood,yes\nbad,no\n")
    monkeypatch.chdir(isolated)
    scores = work.evaluate(given("eval arc demo --limit 5"))
    handle = evaluating.evaluate("arc", "demo", limit=5)
    assert handle.record.sittings == 2
    assert [score.metric for score in scores] == handle.frame()["metric"].tolist()
    line = "eval own.csv --prompt '{text}?' --answer label --choices yes,no"
    assert [score.task for score in work.evaluate(given(line))] == ["own", "own"]
    named = given("eval df --prompt '{text}?' --answer label")
    named.names = {"df": [{"text": "good", "label": "yes"}]}
    assert work.evaluate(named)[0].task == "own"
    with pytest.raises(BadUsage, match="needs a prompt"):
        work.evaluate(given("eval own.csv --answer label"))
