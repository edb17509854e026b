"""The body of a launch card while the server starts."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import ServerView, StageTime
from aim_jupyter.render import launch_card, progress_line
from tests.render import samples
from tests.render.pages import Page
from tests.render.samples import changed


def test_a_start_shows_each_stage_with_what_it_took_and_took_last_time() -> None:
    card = launch_card(samples.STARTING, log_tail=samples.LOG_TAIL)
    lines = card.text.splitlines()
    assert lines[0].startswith("aim qwen3-32b  starting · mi300x-fp8-tp1 · GPU 4")
    assert lines[0].endswith("1 min 01 s so far · about 1 min 25 s left")
    stages = {line.split()[1]: line for line in lines if line[:1] in "■▨□" and len(line) > 40}
    assert list(stages) == ["download", "boot", "load", "compile", "capture", "ready"]
    assert stages["download"].split()[-4:] == ["1", "s", "1", "s"]
    assert stages["load"].startswith("▨")
    assert "shard 5 of 7 · 22.8 of 31.9 GiB · about 13 s left" in stages["load"]
    assert stages["load"].split()[-4:] == ["41", "s", "54", "s"]
    assert stages["compile"].split() == ["□", "compile", "38", "s"]


def test_a_start_says_how_far_it_is_to_who_can_not_see_the_bars() -> None:
    bars = Page(launch_card(samples.STARTING).html).having(role="progressbar")
    assert [bar["aria-valuenow"] for bar in bars] == ["42", "71"]
    assert bars[0]["aria-valuetext"].startswith("load 1 min 01 s")
    assert bars[1]["aria-valuetext"].startswith("load, shard 5 of 7")


def test_a_first_start_promises_only_the_stages_that_are_certain() -> None:
    text = launch_card(samples.FIRST_START).text
    assert "last start" not in text
    assert "compile" not in text
    assert "capture" not in text
    assert "download" not in text, "nothing has to be downloaded"
    assert "about 2 s left" in text, "half of the shards took 2 s"
    assert not Page(launch_card(samples.FIRST_START).html).having(aria_valuenow="0")


def test_a_stage_that_did_not_occur_this_time_is_left_out() -> None:
    seen = (StageTime(stage="capture", began_at=samples.BEGAN),)
    text = launch_card(changed(samples.STARTING, stages=seen)).text
    assert "compile" not in text
    assert "capture" in text


def test_without_a_moment_a_start_counts_up_to_now(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + 5)
    view = ServerView(record=replace(samples.STARTING.record, created_at=began, stages=()))
    assert "5 s so far" in launch_card(view).text


def test_progress_line() -> None:
    line = progress_line(samples.STARTING)
    assert line == (
        "qwen3-32b  starting · load · shard 5 of 7 · 22.8 of 31.9 GiB · about 13 s left"
        " · 1 min 01 s so far · about 1 min 25 s left"
    )
    assert progress_line(samples.READY) == "qwen3-32b  running · ready in 2 min 29 s"
    assert progress_line(samples.FAILED) == "qwen3-32b  failed · boot"
