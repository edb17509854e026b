"""From parsed arguments to a call of the core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.commands import handlers, looks, parsing
from aim_jupyter.core.errors import BadUsage
from tests.conftest import FakeEngine
from tests.waiting import launch_ready


def given(line: str) -> Any:
    return parsing.parse(parsing.split(line))[1]


def test_options_of_ours_are_a_request_and_others_the_engines() -> None:
    asked = handlers.asked(given("launch demo --users 4 --max-num-seqs 8"))
    assert (asked.model, asked.users) == ("demo", 4)
    assert asked.options == {"--max-num-seqs": "8"}
    assert handlers.asked(given("launch")).model == ""


def test_amds_variables_stand_behind_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_MODEL_ID", "own/model")
    assert handlers.request(given("launch")).model == "own/model"
    assert handlers.request(given("launch demo")).model == "demo"


def test_a_batch_is_answered_line_by_line_and_a_bad_line_is_named(tmp_path: Path) -> None:
    batch = tmp_path / "questions"
    batch.write_text('\n{"model": "demo", "machine": "mi300x:1"}\n')
    (answer,) = handlers.plan(given(f"plan --batch {batch}"))
    assert answer
    batch.write_text('{"model": "demo"}\n[3]\n')
    with pytest.raises(BadUsage, match="Line 2 is no JSON object"):
        list(handlers.plan(given(f"plan --batch {batch}")))
    with pytest.raises(BadUsage, match="can't be read"):
        list(handlers.plan(given(f"plan --batch {tmp_path}/none")))


def test_how_figures_look_is_said_by_what_is_asked_for() -> None:
    wanted = {
        "metrics": looks.METRICS,
        "metrics --raw": looks.RAW,
        "metrics --plot": looks.FIGURE,
        "metrics --history 5m": looks.HISTORY,
        "metrics --serve-metrics --raw": looks.EXPORTER,
    }
    assert {line: handlers.metrics_look(given(line)) for line in wanted} == wanted
    assert handlers.fit_look(given("fit demo")) is looks.FIT
    assert handlers.fit_look(given("fit --history")) is looks.STARTS


def test_a_share_is_said_with_one_word_or_two(fake: FakeEngine) -> None:
    assert handlers.share(given("share")) == ["No server is running."]
    with pytest.raises(BadUsage, match="'c' is one word too many"):
        handlers.share(given("share a b c"))
    fake()
    launch_ready()
    assert handlers.share(given("share")) == ["demo: shared with nobody"]
    assert handlers._shared_with(["demo"], everyone=False) == ("demo", None)
    assert handlers._shared_with(["bob"], everyone=False) == (None, "bob")
    assert handlers._shared_with(["demo", "bob"], everyone=False) == ("demo", "bob")
