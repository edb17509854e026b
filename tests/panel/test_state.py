"""How what a panel shows changes: pure, no widget and no server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import Plan, Sample, ServerRecord, ServerView
from aim_jupyter.core.records.known import KnownModels
from aim_jupyter.core.records.server import State
from aim_jupyter.core.request import Request
from aim_jupyter.panel import state
from aim_jupyter.panel.state import Answer, Form, Scene

PLAN = Plan(
    server="demo",
    model="demo",
    recipe_id="cpu-bf16-tp1",
    origin="measured",
    engine="vllm",
    engine_name="test",
    engine_version="0.32.0",
    platform="cpu",
    model_path="/demo",
    argv=("python",),
    env={},
)


def form(**chosen: Any) -> Form:
    return Form(chosen=Request(**chosen))


def view(
    name: str = "demo", was: State = "running", at: float = 1.0, sample: Sample | None = None
) -> ServerView:
    record = ServerRecord(name=name, plan=PLAN, state=was, created_at=at, ready_at=at)
    return ServerView(record=record, sample=sample)


def test_a_form_is_the_launch_line_that_it_stands_for() -> None:
    filled = Form(
        chosen=Request(
            model="demo",
            users=4,
            context=512,
            idle_s=None,
            lifetime_s=3600.0,
            name="my server",
        ),
        typed="--max-num-seqs 8 --env A='b c' --unset dtype",
    )
    request = filled.request()
    assert (request.model, request.users, request.context) == ("demo", 4, 512)
    assert (request.idle_s, request.lifetime_s, request.name) == (None, 3600.0, "my server")
    assert request.options == {"--max-num-seqs": "8"}
    assert (request.env, request.unset) == ({"A": "b c"}, ("dtype",))
    assert Form().request().model == "demo"


def test_an_open_quote_is_a_mistake_and_the_line_stays_as_it_was_typed() -> None:
    filled = Form(chosen=Request(model="demo"), typed="--env 'A")
    with pytest.raises(BadUsage):
        filled.request()
    assert filled.spelled == "%aim launch demo --env 'A"


def test_another_model_leaves_the_recipe_and_what_went_wrong_behind() -> None:
    scene = Scene(form=form(model="demo", recipe="x", users=3), error=("found", "Try: that"))
    assert state.changed(scene, users=4).form == Form(
        chosen=Request(model="demo", recipe="x", users=4)
    )
    other = state.changed(scene, model="other")
    assert other.form == form(model="other", users=3)
    assert other.error == ()


def test_an_answer_to_an_earlier_form_comes_too_late() -> None:
    old, new = form(model="a"), form(model="b")
    first = state.answered(Scene(form=new), Answer(form=old, line="old"))
    # The very first one is better than nothing, and known to be old.
    assert first.answer is not None
    assert first.current is None
    now = state.answered(first, Answer(form=new, line="new"))
    assert now.current is not None
    assert state.answered(now, Answer(form=old, line="old")) is now


def test_a_form_opens_with_what_is_suggested_and_keeps_what_was_named() -> None:
    known = KnownModels(models=(), suggested="a")
    scene = state.opened(Scene(), known)
    assert (scene.form.chosen.model, scene.known) == ("a", known)
    emptied = state.changed(scene, model="")
    assert state.opened(emptied, known).form.chosen.model == "", "an emptied form stays empty"
    assert state.opened(Scene(form=form(model="mine")), known).form.chosen.model == "mine"


def test_after_a_launch_a_second_click_starts_nothing() -> None:
    filled = form(model="demo", users=3, recipe="x", name="mine", new=True)
    scene = Scene(form=filled, answer=Answer(form=filled))
    after = state.launched(scene, "mine")
    assert (after.form, after.answer, after.selected) == (form(users=3), None, "mine")


def test_what_is_to_run_beside_a_server_is_said_of_that_model_alone() -> None:
    scene = state.changed(Scene(), model="a", new=True)
    assert scene.form.chosen.new
    assert not state.changed(scene, model="b").form.chosen.new


def test_the_last_launched_live_server_is_shown_until_another_is_chosen() -> None:
    views = [view("old", at=1), view("new", at=2), view("ended", "stopped", at=3)]
    scene = state.seen(Scene(), views)
    assert scene.selected == "new"
    assert scene.live == 2
    chosen = state.selected(scene, "old")
    assert state.seen(chosen, views).selected == "old"
    assert state.seen(chosen, views[1:]).selected == "new"
    assert state.seen(chosen, []).view is None


def test_a_stop_asks_only_while_requests_run_and_forgets_it_with_the_server() -> None:
    busy = state.seen(Scene(), [view(sample=Sample(at=2.0, req_running=2))])
    assert state.has_to_ask(busy, "demo")
    asked = replace(busy, asked="demo")
    assert not state.has_to_ask(asked, "demo")
    assert state.seen(asked, [view("other")]).asked is None
    idle = state.seen(Scene(), [view(sample=Sample(at=2.0, req_running=0))])
    assert not state.has_to_ask(idle, "demo")
    assert not state.has_to_ask(state.seen(Scene(), [view()]), "demo")


def test_another_server_has_another_past() -> None:
    scene = replace(Scene(selected="a"), history=(Sample(at=1.0),), log=("line",))
    other = state.selected(scene, "b")
    assert (other.history, other.log) == ((), ())


@given(st.lists(st.sampled_from(["launch", "stop demo"]), max_size=6))
def test_what_is_begun_ends(jobs: list[str]) -> None:
    scene = Scene()
    for job in jobs:
        scene = state.begun(scene, job)
    for job in reversed(jobs):
        scene = state.ended(scene, job)
    assert scene == Scene()


def test_an_error_stays_until_something_else_is_done() -> None:
    failed = state.ended(state.begun(Scene(), "launch"), "launch", ["NoFit: no.", "Try: it"])
    assert failed.error == ("NoFit: no.", "Try: it")
    assert state.begun(failed, "launch").error == ()


@pytest.mark.parametrize("fields", [{"page": "cache"}, {"busy": True}, {"log_open": True}], ids=str)
def test_a_scene_is_a_value(fields: dict[str, Any]) -> None:
    assert replace(Scene(), **fields) != Scene()
