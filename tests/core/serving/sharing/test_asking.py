"""Neighbours that never answer: how often they are asked, and for how long in all."""

from __future__ import annotations

import asyncio
import pwd
import selectors
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aim_jupyter import verbs
from aim_jupyter.core import api, serving
from aim_jupyter.core.leases import folder as leases
from aim_jupyter.core.serving.sharing import asking, shared, sockets
from aim_jupyter.labserver import handlers
from tests import users
from tests.conftest import FakeEngine
from tests.core.serving.sharing import neighbour
from tests.core.serving.sharing.test_sharing import node
from tests.users import GUEST, User

__all__ = ["node"]
TWENTY = 20
LOOKS: dict[str, Callable[[], object]] = {
    "ps": verbs.ps,
    "%aim": api.overview,
    "the sidebar": lambda: asyncio.run(handlers.read_status()),
}


@pytest.fixture
def stalled(node: Path, fake: FakeEngine) -> Iterator[Path]:
    """Return the folder of the shares, with a neighbour's sockets in it."""
    fake()
    with sockets.opened(make=True):
        place = leases.path() / sockets.FOLDER
    guest = User(GUEST, node)
    program = users.interpreter() or ""
    words = [program, neighbour.__file__, str(place), leases.prefix(), str(TWENTY)]
    child = subprocess.Popen(
        words, env=guest.env, cwd="/", stdout=subprocess.PIPE, **users.identity(GUEST)
    )
    try:
        assert child.stdout is not None
        assert int(child.stdout.readline()) == 2 * TWENTY
        yield place
    finally:
        child.kill()
        child.communicate()


class Waits:
    """Counts who asks, and the longest that each would wait, were nothing to come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.budgets_s = 0, 0.0
        self.each_s: list[float] = []
        self._inside = False
        ask, select = asking.ask_all, selectors.DefaultSelector.select

        def counted(budget_s: float, *doors: list[str]) -> asking.Asked:
            self.asked, self.budgets_s, self._inside = (
                self.asked + 1,
                self.budgets_s + budget_s,
                True,
            )
            try:
                return ask(budget_s, *doors)
            finally:
                self._inside = False

        def waited(selector: selectors.DefaultSelector, timeout: float | None = None) -> object:
            if self._inside:
                self.each_s.append(1e9 if timeout is None else timeout)
            return select(selector, timeout)

        monkeypatch.setattr(asking, "ask_all", counted)
        monkeypatch.setattr(selectors.DefaultSelector, "select", waited)


@pytest.mark.parametrize("look", LOOKS)
def test_each_look_asks_once_and_within_one_budget(
    stalled: Path, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    waits = Waits(monkeypatch)
    LOOKS[look]()
    assert waits.asked == 1
    assert waits.budgets_s == shared.LOOK_S == 0.3
    assert waits.each_s
    # Each ends when the budget does: together they are no longer than the first.
    assert max(waits.each_s) <= shared.LOOK_S
    assert waits.each_s == sorted(waits.each_s, reverse=True)


def test_those_who_do_not_answer_are_named_and_no_more_are_asked_of_one_than_the_cap(
    stalled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert serving.silent() == {GUEST: TWENTY}
    assert any(GUEST in check.found for check in api.doctor() if check.name == "shares")
    monkeypatch.setattr(asking, "MOST_EACH", 4)
    with sockets.opened() as place:
        assert len(asking._others(place)) == 4


def test_names_taken_for_others_take_nobodys_place(
    stalled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of root's sockets would come first; the files are the neighbour's."""
    with sockets.opened() as place:
        assert {uid for _, uid in sockets.owned(place)} == {pwd.getpwnam(GUEST).pw_uid}
        assert len(asking._others(place)) == TWENTY
