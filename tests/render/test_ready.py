"""The body of a launch card once the server runs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import Job
from aim_jupyter.render import launch_card
from tests.render import samples
from tests.render.pages import Page
from tests.render.samples import changed


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


def test_in_a_job_it_says_which_and_what_is_left_of_its_wall_time() -> None:
    at = samples.READY.at or 1e9
    job = Job(site="slurm", id="7214503", node="nid00123", ends_at=at + 3 * 3600)
    card = launch_card(replace(changed(samples.READY, job=job), at=at))
    for said in (card.text, Page(card.html).text):
        assert "job 7214503 at slurm on nid00123" in said
        assert "of wall time left, until" in said
