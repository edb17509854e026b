"""From records to what the REST answers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import CachedModel, ServerView
from aim_jupyter.core.records.known import KnownModel, KnownModels
from aim_jupyter.labserver import answers
from tests.render import samples
from tests.render.samples import FAILED, LAPTOP_STATUS, READY, STARTING, STATUS


def test_the_status_says_which_gpus_are_mine_and_that_there_are_none() -> None:
    found = answers.status(STATUS, [])
    assert found.gpu_note == ""
    assert len(found.gpus) == len(samples.GPUS)
    assert {each["mine"] for each in found.gpus} <= {True, False}
    assert answers.status(LAPTOP_STATUS, []).gpu_note == answers.NO_GPU
    assert found.at.tzinfo is not None
    assert [each["server"] for each in found.servers] == ["qwen3-8b"]


def test_a_cache_that_nobody_knows_is_none() -> None:
    assert answers.status(replace(STATUS, cache=None), []).cache is None
    used = CachedModel(model="a", state="complete", size_bytes=1, in_use_by="demo")
    cache = answers.status(STATUS, [used, replace(used, in_use_by=None)]).cache
    assert cache is not None
    assert cache.in_use == 1


@pytest.mark.parametrize(
    ("view", "states"),
    [
        (STARTING, {"done", "active", "waiting"}),
        (READY, {"done"}),
        (FAILED, {"done", "failed"}),
    ],
)
def test_a_start_is_told_by_stages_and_where_it_failed(view: ServerView, states: set[str]) -> None:
    steps = answers.steps(view)
    assert {step.state for step in steps} <= states
    assert ("failed" in {step.state for step in steps}) == (view is FAILED)
    assert sum(step.state == "active" for step in steps) == (view is STARTING)


def test_what_another_user_shares_can_not_be_stopped() -> None:
    assert answers.server(READY)["can_stop"]
    assert not answers.server(replace(READY, shared_by="bob"))["can_stop"]
    assert not answers.server(FAILED)["can_stop"]
    assert answers.history(replace(READY, shared_by="bob")) == {
        name: [] for name in answers.HISTORY
    }


def test_rows_of_the_picker_have_units_and_no_paths() -> None:
    one = KnownModel(model="a/b", standing="running", weights_bytes=3 << 30, gpus=(4, 5))
    answer = answers.models(KnownModels(models=(one,), suggested="demo", offline=True))
    assert (answer.suggested, answer.offline) == ("demo", True)
    assert (answer.models[0].weights_gib, answer.models[0].gpus) == (3, "4,5")
    assert answer.models[0].verdict is None


def test_a_server_that_nobody_has_asked_is_told_from_one_that_is_idle() -> None:
    record = replace(READY.record, ready_at=100.0, idle_since=100.0)
    assert not answers.server(replace(READY, record=record))["was_asked"]
    for since in (None, 160.0):
        later = replace(record, idle_since=since)
        assert answers.server(replace(READY, record=later))["was_asked"]
