"""The Launch tab: what it shows of a scene, and what it asks for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records.known import KnownModel, KnownModels
from aim_jupyter.core.request import Request
from aim_jupyter.panel.controls import Writer
from aim_jupyter.panel.launching import Launching
from aim_jupyter.panel.state import Answer, Form, Scene
from tests.panel.asked import Asked
from tests.render.samples import LAPTOP, MACHINE

KNOWN = KnownModels(
    models=(
        KnownModel(model="demo", standing="on disk", on_disk=True, verdict="FITS"),
        KnownModel(model="Qwen/Qwen3-8B", standing="to download", weights_bytes=16 << 30),
    )
)
SCENE = Scene(form=Form(chosen=Request(model="demo")), known=KNOWN, engines=("vllm", "sglang"))


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
    assert (tab.model.shown["chosen"], tab.users.value, tab.name.value) == ("demo", 3, "mine")
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
    tab.launch.click()
    assert asked.calls == [
        ("change", {"users": 5}), ("change", {"users": None}),
        ("change", {"context": 4096}), ("change", {"context": None}),
        ("launch", {}),
    ]  # fmt: skip


def test_the_model_field_is_told_the_rows_and_for_what_they_are_judged() -> None:
    chosen = Request(model="demo", users=12, context=4096, gpus=(4,))
    shows = shown(replace(SCENE, form=Form(chosen=chosen)))[0].model.shown
    assert [row["model"] for row in shows["models"]] == ["demo", "Qwen/Qwen3-8B"]
    assert shows["models"][1]["weights_gib"] == 16
    said = "the recipe that would run here, 12 users, 4,096 tokens, GPU 4"
    assert (shows["chosen"], shows["offline"], shows["about"]) == ("demo", False, said)
    assert shown(replace(SCENE, known=None))[0].model.shown["models"] is None


def test_without_a_model_there_is_a_hint_and_no_line() -> None:
    tab, _ = shown(replace(SCENE, form=Form()))
    assert tab.launch.disabled
    assert "no model chosen yet" in tab.note.value
    assert tab.line_row.layout.display == "none"
    assert (tab.table.value, tab.fit.value, tab.problem.value) == ("", "", "")


def test_the_verdict_is_shown_while_it_is_asked_where_the_weights_come_from() -> None:
    tab, _ = shown(replace(SCENE, answer=Answer(form=SCENE.form, pending=True)))
    assert tab.launch.disabled
    assert "Asking where its weights come from" in tab.note.value


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
