"""A launch card in its cell: it follows its server to the end, wherever that is."""

from __future__ import annotations

from typing import Any

import pytest

from aim_jupyter.core import api
from aim_jupyter.core.request import Request
from aim_jupyter.notebook import display
from tests.conftest import FakeEngine
from tests.waiting import until


class Cell:
    """An output cell that keeps what was shown in it."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, bundle: dict[str, str], **_: object) -> Cell:
        self.update(bundle)
        return self

    def update(self, bundle: dict[str, str], **_: object) -> None:
        self.shown.append(bundle["text/plain"])

    @property
    def last(self) -> str:
        return self.shown[-1].splitlines()[0]


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    made = Cell()
    monkeypatch.setattr(display, "display", made)
    monkeypatch.setattr(display, "updates_in_place", lambda: True)
    monkeypatch.setattr(display, "TICK_S", 0.02)
    monkeypatch.setattr(display, "_NEXT_S", dict.fromkeys(display._NEXT_S, 0.02))
    return made


#: How a server ends, and what its card says in the end.
ENDS: dict[str, tuple[dict[str, Any], str]] = {
    "boot": ({"fail_at": "boot"}, "failed"),
    "load": ({"fail_at": "load"}, "failed"),
    "ready": ({"fail_at": "ready"}, "failed"),
    "running": ({"crash_after_s": 0.3}, "failed"),
    "children": ({"fail_at": "load", "children": 3, "ignore_term": True}, "failed"),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_card_is_left_at_its_last_state(cell: Cell, fake: FakeEngine, end: str) -> None:
    _follow(cell, fake, end)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("end", ENDS)
def test_the_card_is_left_at_its_last_state_fifty_times(
    cell: Cell, fake: FakeEngine, end: str
) -> None:
    for _ in range(50):
        _follow(cell, fake, end)


def _follow(cell: Cell, fake: FakeEngine, end: str) -> None:
    behaviour, said = ENDS[end]
    fake(**behaviour)
    cell.shown.clear()
    folder = api.launch(Request(model="demo", new=True))
    display.follow(folder)
    until(lambda: folder.read().state == "failed")
    until(lambda: f" {said} " in cell.last)
    assert "What happened" in cell.shown[-1]
    until(lambda: display._live[folder.name].ended)
    assert f" {said} " in cell.last, "nothing else comes after the last state"


def test_a_card_of_a_server_that_is_stopped_says_so(cell: Cell, fake: FakeEngine) -> None:
    fake()
    folder = api.launch(Request(model="demo"))
    display.follow(folder)
    until(lambda: " running " in cell.last)
    api.stop(folder.name, drain_s=0)
    until(lambda: " stopped " in cell.last)
