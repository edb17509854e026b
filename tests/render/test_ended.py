"""What a launch card says at the end of a server."""

from __future__ import annotations

import msgspec

from aim_jupyter.core.records import Crash
from aim_jupyter.render import launch_card
from aim_jupyter.render.ended import traceback
from tests.render import samples
from tests.render.pages import Page
from tests.render.samples import changed

replace = msgspec.structs.replace


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
