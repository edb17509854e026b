"""One card from start to end: what it says in each state."""

from __future__ import annotations

import time

import msgspec
import pytest

from aim_jupyter.core.records import Crash, ServerView, StageTime
from aim_jupyter.render import launch_card, progress_line
from aim_jupyter.render.ended import traceback
from tests.render import samples
from tests.render.pages import Page

replace = msgspec.structs.replace


def changed(view: ServerView, **facts: object) -> ServerView:
    """Return the view with another record."""
    return replace(view, record=replace(view.record, **facts))


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


def test_the_foot_has_the_last_line_of_the_log_and_how_to_stop() -> None:
    page = Page(launch_card(samples.STARTING, log_tail=samples.LOG_TAIL).html)
    summary = page.named("summary")[0].text
    assert summary.startswith("Log, 214 lines Loading safetensors checkpoint shards: 71%")
    assert "Stop it with %aim stop qwen3-32b" in page.text
    assert samples.LOG_TAIL[1] in page.named("details")[0].text


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


def test_ready_has_the_address_capacity_memory_and_a_cell_that_runs() -> None:
    path = "/user/alice/aim/servers/qwen3-32b/v1"
    card = launch_card(samples.READY, browser_path=path)
    for said in (card.text, Page(card.html).text):
        assert "ready in 2 min 29 s · first token after 212 ms" in said
        assert "http://127.0.0.1:41873/v1" in said
        assert path in said
        assert "17 users at 32,768 tokens at the same time" in said
        assert "566,886 tokens of KV cache in all" in said
        assert "weights 32.0 GiB, KV cache 138.4 GiB" in said
        assert "predicted 31.9 and 137.9 GiB" in said
        assert "after 60 min without requests" in said
        assert "Start: download 1 s · boot 20 s · load 56 s" in said
    box = Page(card.html).named("pre")[0].text
    assert box.splitlines()[0] == "client = %aim client qwen3-32b"
    compile(box.replace("%aim client qwen3-32b", "None"), "cell", "exec")


def test_the_cell_is_python_whatever_the_model_is_called() -> None:
    plan = replace(samples.QWEN_32B, model='a"b\\c')
    box = Page(launch_card(changed(samples.READY, plan=plan)).html).named("pre")[0].text
    compile(box.replace("%aim client qwen3-32b", "None"), "cell", "exec")


def test_ready_leaves_out_what_is_not_known() -> None:
    card = launch_card(changed(samples.READY, facts={}, stages=(), ready_at=None))
    assert "Capacity" not in card.text
    assert "Memory" not in card.text
    assert "Your browser" not in card.text
    assert "ready in" not in card.text


@pytest.mark.parametrize(
    ("idle", "lifetime", "said"),
    [
        (None, None, "only when you stop it"),
        (600.0, None, "after 10 min without requests"),
        (3600.0, 28800.0, "after 60 min without requests, at the latest 8 h 00 min after its"),
    ],
)
def test_it_says_when_it_stops(idle: float | None, lifetime: float | None, said: str) -> None:
    plan = replace(samples.QWEN_32B, idle_s=idle, lifetime_s=lifetime)
    assert said in launch_card(changed(samples.READY, plan=plan)).text


def test_the_crash_card_has_its_five_parts_in_order() -> None:
    card = launch_card(samples.FAILED, log_tail=samples.LOG_TAIL)
    page = Page(card.html)
    names = [header.text for header in page.having(scope="row")]
    assert names == ["What happened", "Decisive line", "Cause", "Try"]
    for said in (card.text, page.text):
        assert "failed in boot after 24 s" in said
        assert "ValueError: Free memory on device cuda:0 (130.4/191.98 GiB)" in said
        assert "line 187 of 402 · Worker process" in said
        assert "chen started pid 51877 on GPU 5" in said
        assert "GPU 4 is free: 9.9 GiB to spare" in said
        assert "Cleaned up: no engine process left" in said
    assert "%aim launch Qwen/Qwen3-32B --users 16 --gpus 4" in card.text
    assert "Full traceback" in page.text


def test_the_change_in_the_try_line_is_marked() -> None:
    page = Page(launch_card(samples.FAILED).html)
    marked = [span for span in page.named("span") if "font-weight:600" in span["style"]]
    assert [span.text for span in marked] == ["--gpus 4"]


def test_a_crash_without_a_known_fix_points_at_the_log() -> None:
    card = launch_card(samples.ENDINGS["failed"])
    assert "What happened  killed by signal 9" in card.text
    assert "Try            %aim logs qwen3-32b" in card.text
    assert "no fix is known" in Page(card.html).text
    assert "Decisive line" not in card.text
    assert "Cleaned up" not in card.text, "what was not checked is not claimed"


def test_stopped_says_why_and_how_to_have_it_again() -> None:
    card = launch_card(samples.ENDINGS["stopped"])
    for said in (card.text, Page(card.html).text):
        assert "stopped after 2 h 27 min" in said
        assert "60 min without a request" in said
        assert "%aim launch Qwen/Qwen3-32B --recipe mi300x-fp8-tp1 --gpus 4" in said


def test_unknown_is_not_stopped() -> None:
    card = launch_card(samples.ENDINGS["unknown"])
    assert "unknown" in card.text
    assert "stopped" not in card.text
    assert "can't be told" in Page(card.html).text


def test_stopping_says_what_it_waits_for() -> None:
    assert "3 requests end first" in launch_card(samples.ENDINGS["stopping"]).text


def test_progress_line() -> None:
    line = progress_line(samples.STARTING)
    assert line == (
        "qwen3-32b  starting · load · shard 5 of 7 · 22.8 of 31.9 GiB · about 13 s left"
        " · 1 min 01 s so far · about 1 min 25 s left"
    )
    assert progress_line(samples.READY) == "qwen3-32b  running · ready in 2 min 29 s"
    assert progress_line(samples.FAILED) == "qwen3-32b  failed · boot"


def test_an_unknown_failure_shows_its_last_lines_instead_of_one() -> None:
    lines = ("Traceback (most recent call last):", "  File <x>, line 1", "KeyError: 'new'")
    crash = Crash(what="It ended.", line=lines[-1], known=False, excerpt=lines, cause="Unknown.")
    card = launch_card(changed(samples.FAILED, crash=crash))
    page = Page(card.html)
    assert [header.text for header in page.having(scope="row")][1] == "Last lines"
    assert "  File <x>, line 1" in card.text
    assert "File &lt;x&gt;, line 1" in card.html
    assert "Full traceback" not in page.text
    assert list(traceback(crash)) == []
    assert list(traceback(replace(crash, known=True))) == list(lines)
