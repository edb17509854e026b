"""What the deploy panel shows beside its controls."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api
from aim_jupyter.core.records import ServerView
from aim_jupyter.core.request.record import Request
from aim_jupyter.render import panel
from tests.render.pages import Page
from tests.render.samples import ENDINGS, FAILED, GPUS, READY, STARTING, USER


def test_what_went_wrong_is_found_and_what_to_do_or_a_traceback() -> None:
    assert panel.problem([]) == ""
    two = Page(panel.problem(["BadUsage: no <such>", "Try: %aim ps"]))
    assert two.text == "BadUsage: no <such> Try: %aim ps"
    assert 'role="alert"' in panel.problem(["x"])
    lines = ["Traceback", "  File x", "ValueError: y"]
    assert Page(panel.problem(lines)).text.startswith("ValueError: y")


def test_an_old_line_waits_for_the_one_that_replaces_it() -> None:
    assert 'aria-busy="true"' in panel.line_box("%aim launch demo", old=True)
    assert "aria-busy" not in panel.line_box("%aim launch demo")


def test_of_many_recipes_the_chosen_one_is_always_shown() -> None:
    (one, *_) = api.recipe_list(Request(model="demo"))
    many = [replace(one, rank=n, recipe=replace(one.recipe, id=f"r{n}")) for n in range(1, 10)]
    shown = Page(panel.recipes(many, many[8]))
    assert "r9" in shown.text
    assert "r5" not in shown.text
    assert "and 4 more in the list above" in shown.text
    assert panel.recipes([], None) == ""
    assert panel.choice_words(one).startswith(f"{one.rank} · {one.recipe.id} · {one.verdict}")


@pytest.mark.parametrize("view", [STARTING, READY, FAILED, *ENDINGS.values()])
def test_a_server_is_told_in_each_state(view: ServerView) -> None:
    shown = Page(panel.server(view))
    assert view.record.state in shown.text or view.record.state == "unknown"
    assert "None" not in shown.text
    running = view.record.state == "running"
    assert bool(panel.addresses(view)) == running
    assert panel.server_words(view).startswith(f"{view.record.name} · {view.record.state}")


def test_how_it_ends_is_said_while_it_lives() -> None:
    assert "does not stop the server" in panel.how_it_ends(STARTING)
    assert "Stops by itself after" in panel.how_it_ends(READY)
    forever = replace(
        READY, record=replace(READY.record, plan=replace(READY.record.plan, idle_s=None))
    )
    assert panel.how_it_ends(forever).startswith("Stops only when you stop it.")
    assert panel.how_it_ends(FAILED) == ""


def test_a_gpu_that_will_be_taken_says_so() -> None:
    held = next(gpu for gpu in GPUS if gpu.state == "busy")
    assert "to be taken" in panel.holder(held, USER, taken=True)
    assert "to be taken" not in panel.holder(held, USER, taken=False)
    assert Page(panel.log([])).text == "The log is empty so far."
    assert panel.note("") == ""
