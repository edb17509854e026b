"""The panel's model field: what it hears from the browser, and what it sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.panel import picker
from aim_jupyter.panel.picker import Picker


@pytest.fixture
def heard() -> list[object]:
    return []


@pytest.fixture
def field(heard: list[object]) -> Picker:
    return Picker(lambda *said: heard.append(said), heard.append)


def test_what_its_user_does_is_passed_on(field: Picker, heard: list[object]) -> None:
    field._said(field, {"do": "choose", "model": "demo", "another": True}, [])
    field._said(field, {"do": "choose", "model": "", "another": False}, [])
    field._said(field, {"do": "attach", "server": "demo"}, [])
    assert heard == [("demo", True), ("", False), "demo"]


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        None,
        "choose",
        {"do": "choose"},
        {"do": "choose", "model": 1, "another": False},
        {"do": "choose", "model": "demo", "another": "yes"},
        {"do": "attach", "server": None},
        {"do": "other", "server": "demo"},
    ],
)
def test_what_is_none_of_it_is_left(field: Picker, heard: list[object], content: object) -> None:
    field._said(field, content, [])
    assert heard == []


def test_a_state_that_is_shown_is_not_sent_again(field: Picker) -> None:
    sent: list[object] = []
    field.observe(lambda change: sent.append(change.new), "shown")
    for state in ({"chosen": "a"}, {"chosen": "a"}, {"chosen": "b"}):
        field.show(dict(state))
    assert sent == [{"chosen": "a"}, {"chosen": "b"}]


def test_its_code_and_its_looks_are_files() -> None:
    static = Path(picker.__file__).parent / "static"
    assert str(Picker._esm) == (static / "picker.js").read_text()
    assert str(Picker._css) == (static / "picker.css").read_text()
