"""What a launch would start, without starting it."""

from __future__ import annotations

import pytest

from aim_jupyter.core import api, gpus
from aim_jupyter.core.api import plans
from aim_jupyter.core.errors import BadUsage, ModelMissing
from aim_jupyter.core.request.record import Request
from tests.conftest import FakeEngine
from tests.core.gpus import trees
from tests.waiting import launch_ready


def test_of_each_model_the_best_comes_in_the_order_of_the_verdicts() -> None:
    listed = plans.recipe_list(simulated="mi300x:8")
    order = ["FITS", "TIGHT", "NO"]
    assert [one.rank for one in listed] == list(range(1, len(listed) + 1))
    places = [order.index(one.verdict) for one in listed]
    assert places == sorted(places)
    assert len({one.recipe.model for one in listed}) == len(listed)


def test_what_runs_already_is_found_and_what_differs_is_not(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    found = plans.running(plans.planner(), Request(model="demo"))
    assert found is not None
    assert found.name == folder.name
    for other in (
        Request(model="demo", name="another"),
        Request(model="demo", options={"--max-num-seqs": "3"}),
    ):
        assert plans.running(plans.planner(), other) is None


def test_how_long_it_took_is_known_after_a_start(fake: FakeEngine) -> None:
    fake()
    made = plans.plan(Request(model="demo"))
    assert plans.last_start_s(made) is None
    launch_ready()
    assert (plans.last_start_s(made) or 0) > 0


def test_without_a_gpu_there_is_a_model_to_begin_with_and_with_one_there_is_a_choice(
    monkeypatch: pytest.MonkeyPatch, isolated: object
) -> None:
    assert plans.default_model() == "demo"
    root = trees.written(trees.mi300x(2), isolated / "root")  # type: ignore[operator]
    monkeypatch.setenv("AIM_SYS_ROOT", str(root))
    with pytest.raises(BadUsage, match=r"Which model\? 2 of 2 GPUs are free") as caught:
        plans.default_model()
    assert caught.value.hint == "%aim recipes"


def test_a_machine_that_is_spoken_of_needs_no_engine_and_no_files() -> None:
    choice, made = plans.judged_plan(Request(model="Qwen/Qwen3-32B"), simulated="mi300x:1")
    assert made.gpu_model == "MI300X"
    assert choice.verdict == "FITS"
    with pytest.raises(ModelMissing):
        plans.plan(Request(model="/no/such/folder"), simulated="mi300x:1")
    assert gpus.machine().gpus == ()
    assert any(model.name == api.DEMO for model in plans.known_models())
