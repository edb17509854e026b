"""The line as one who waits sees it: also past those who do not take what is kept for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import leases
from aim_jupyter.core.leases import Wish, queue
from tests.core.leases.children import A, B

ONE = Wish(keys=(A,), count=1)


def test_with_nobody_in_the_line_only_holders_are_read() -> None:
    with leases.take([A], info={"server": "x"}):
        turns, held = queue.now()
        assert turns == []
        assert held[A].server == "x"


def test_one_who_comes_now_is_the_last() -> None:
    with leases.drawn(ONE, Path("first")) as first:
        turns, _ = queue.now(last=leases.supposed(Wish(keys=(A, B), count=1)))
        assert [(turn.place, turn.keys) for turn in turns] == [(1, (A,)), (2, (B,))]
        assert turns[0].ticket == first


def test_one_who_does_not_take_what_is_kept_is_passed_over_until_it_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("aim_jupyter.core.leases.queue.time.monotonic", lambda: now)
    with leases.drawn(ONE, Path("stalls")), leases.drawn(ONE, Path("waits")) as mine:
        watch = leases.Watch(mine)

        def keys() -> tuple[str, ...]:
            own, turns, _ = watch.look()
            assert len(turns) == 2
            assert own is not None
            return own.keys

        assert keys() == ()
        now += queue.KEPT_S
        assert keys() == ()
        now += 0.1
        assert keys() == (A,)
        now += 3600.0
        assert keys() == (A,)
        # The next one is kept for it anew.
        held = {A: leases.Holder(key=A)}
        with monkeypatch.context() as patch:
            patch.setattr(queue, "holders", lambda: held)
            assert keys() == ()
        assert keys() == ()
        now += queue.KEPT_S + 0.1
        assert keys() == (A,)


def test_a_ticket_that_somebody_removed_has_no_turn(folder: Path) -> None:
    with leases.drawn(ONE, Path("mine")) as mine:
        watch = leases.Watch(mine)
        (folder / mine.name).unlink()
        assert watch.look()[0] is None
