"""The Launch tab: what it shows of a scene, and what it asks for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.request import Request
from aim_jupyter.panel.controls import Writer
from aim_jupyter.panel.launching import Launching
from aim_jupyter.panel.state import Answer, Form, Scene
from tests.panel.asked import Asked
from tests.render.samples import LAPTOP, MACHINE

MODELS = ("demo", "Qwen/Qwen3-32B", "Qwen/Qwen3-8B")
SCENE = Scene(form=Form(chosen=Request(model="demo")), models=MODELS, engines=("vllm", "sglang"))


def shown(scene: Scene) -> tuple[Launching, Asked]:
    """Return the tab as it shows a scene."""
    asked = Asked(scene)
    tab = Launching(asked.controller)
    with Writer():
        tab.show(scene)
    assert asked.calls == [], "to show is to ask nothing"
    return tab, asked


def test_a_form_is_shown_in_its_controls() -> None:
    form = Form(chosen=Request(model="demo", users=3, name="mine", new=True), typed="--env A=b")
    tab, _ = shown(replace(SCENE, form=form))
    assert (tab.model.value, tab.users.value, tab.name.value) == ("demo", 3, "mine")
    assert (tab.new.value, tab.typed.value, tab.engine.value) == (True, "--env A=b", "")


def test_a_value_that_no_list_has_is_added_in_words() -> None:
    tab, _ = shown(replace(SCENE, form=Form(chosen=Request(model="demo", context=12_345))))
    assert tab.context.value == 12_345
    assert tab.context.options[-1] == ("12,345 tokens", 12_345)
    tab, _ = shown(replace(SCENE, form=Form(chosen=Request(model="demo", idle_s=0.0))))
    assert tab.idle_s.label == "never"


def test_what_its_user_does_is_asked_for_without_what_is_the_default() -> None:
    tab, asked = shown(SCENE)
    tab.users.value = 5
    tab.users.value = 1
    tab.context.value = 4096
    tab.context.value = 0
    tab.search.value = "qwen"
    tab.launch.click()
    assert asked.calls == [
        ("change", {"users": 5}), ("change", {"users": None}),
        ("change", {"context": 4096}), ("change", {"context": None}),
        ("search", "qwen"), ("launch", {}),
    ]  # fmt: skip


def test_hits_of_a_search_are_counted() -> None:
    assert "2 of 3 models" in shown(replace(SCENE, search="QWEN"))[0].found.value
    assert "3 models" in shown(SCENE)[0].found.value
    assert "3 models" not in shown(replace(SCENE, models=()))[0].found.value


def test_gpus_are_toggles_and_a_busy_one_can_not_be_chosen() -> None:
    tab, asked = shown(replace(SCENE, machine=MACHINE))
    toggles = {index: toggle for index, (toggle, _) in tab._gpus.items()}
    assert set(toggles) == {gpu.hip_index for gpu in MACHINE.gpus if gpu.hip_index is not None}
    busy = next(gpu for gpu in MACHINE.gpus if gpu.state == "busy")
    free = next(gpu for gpu in MACHINE.gpus if gpu.state == "free" and gpu.usable is not False)
    assert busy.hip_index is not None
    assert free.hip_index is not None
    assert toggles[busy.hip_index].disabled
    toggles[free.hip_index].value = True
    assert asked.calls == [("change", {"gpus": (free.hip_index,)})]


def test_without_a_gpu_the_cpu_serves() -> None:
    tab, _ = shown(replace(SCENE, machine=LAPTOP))
    assert "The CPU serves." in tab.gpu_row.children[0].value


@pytest.mark.parametrize(
    ("answer", "doing", "said"),
    [
        (None, (), "Looking at GPUs"),
        (None, ("launch",), "Launching"),
        (Answer(form=Form(chosen=Request(model="other"))), (), "Checking"),
        (Answer(form=SCENE.form, error=("There is no folder <b>", "x")), (), ""),
    ],
)
def test_nothing_can_be_launched_before_it_is_judged(
    answer: Answer | None, doing: tuple[str, ...], said: str
) -> None:
    tab, _ = shown(replace(SCENE, answer=answer, doing=doing))
    assert tab.launch.disabled
    assert said in tab.note.value
    assert "<b>" not in tab.problem.value
