"""The controls of a panel, written by one thread at a time."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aim_jupyter.panel import controls
from aim_jupyter.panel.controls import Dropdown, Number, Text, Writer, offer, on_user, put


def test_what_a_writer_does_is_not_its_users_doing() -> None:
    text, done = Text(), list[str]()
    on_user(text, done.append)
    with Writer(), Writer():
        text.value = "written"
    text.value = "typed"
    assert done == ["typed"]


def test_what_a_user_does_in_the_midst_counts_and_waits_for_the_writer() -> None:
    text, done = Text(), list[str]()
    on_user(text, done.append)
    user = threading.Thread(target=lambda: text.set_state({"value": "typed"}))
    with Writer():
        user.start()
        user.join(0.05)
        assert user.is_alive(), "it waits"
        text.value = "written"
    user.join(10)
    assert (text.value, done) == ("typed", ["typed"])


def test_what_is_there_already_is_not_sent_again() -> None:
    number, changes = Number(value=3), list[object]()
    number.observe(changes.append, "value")
    put(number, value=3, disabled=False)
    assert not changes
    put(number, value=4)
    assert len(changes) == 1
    with pytest.raises(AttributeError):
        put(number, no_such=1)


@settings(max_examples=20)
@given(st.lists(st.text(max_size=3), unique=True, max_size=4), st.none() | st.text(max_size=3))
def test_a_list_offers_what_there_is_and_chooses_nothing_else(
    names: list[str], value: str | None
) -> None:
    control = Dropdown()
    offer(control, [(name.upper(), name) for name in names], value)
    assert control.value == (value if value in names else None)
    assert [one for _, one in control.options] == names


def test_a_part_is_hidden_and_shown_again() -> None:
    part = controls.row(controls.html("a"), controls.button("Stop", "End it"))
    controls.show(part, visible=False)
    assert part.layout.display == "none"
    controls.show(part, visible=True)
    assert part.layout.display is None


def test_names_stand_in_one_column() -> None:
    text = Text(**controls.named("Model", "424px"))
    assert (text.description, text.layout.width) == ("Model", "424px")
    assert text.style.description_width == controls.label("GPUs").layout.width
