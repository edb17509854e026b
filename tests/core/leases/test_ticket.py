"""A ticket counts while somebody holds it, from when it was written, for who wrote it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import leases
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.leases import Wish, ticket
from tests.core.leases.children import ALICE, BOB, A, B, child, done, line, needs_root
from tests.waiting import until

WISH = Wish(keys=(A, B), count=1, server="x", model="m", lasts_s=60.0, until="18:00")
WAIT = (
    "from pathlib import Path\n"
    f"with leases.drawn(leases.Wish(keys=({A!r}, {B!r}), count=1), Path('w')):\n"
    "    print('waits', flush=True); sys.stdin.read()\n"
)


def test_who_waits_is_seen_by_all_and_gone_after_that(folder: Path) -> None:
    with leases.drawn(WISH, Path("one")) as mine:
        (seen,) = ticket.waiting()
        assert seen == mine
        assert (seen.keys, seen.count, seen.server, seen.until) == ((A, B), 1, "x", "18:00")
        assert seen.uid == os.getuid()
        # It is no device that somebody holds.
        assert leases.holders() == {}
    assert ticket.waiting() == []
    assert list(folder.iterdir()) == []


def test_they_stand_in_the_order_in_which_they_came() -> None:
    with (
        leases.drawn(WISH, Path("z")) as first,
        leases.drawn(WISH, Path("a")) as second,
        leases.drawn(WISH, Path("m")) as third,
    ):
        assert ticket.waiting() == [first, second, third]


def test_nobody_waits_behind_a_dead_one_and_who_takes_over_has_its_place() -> None:
    dead = child(WAIT)
    assert line(dead) == "waits"
    (seen,) = ticket.waiting()
    with leases.drawn(WISH, Path("later")) as later:
        assert [one.name for one in ticket.waiting()] == [seen.name, later.name]
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert ticket.waiting() == [later]
        again = child(WAIT)
        assert line(again) == "waits"
        assert [one.name for one in ticket.waiting()] == [seen.name, later.name]
        done(again)
        # Another launch of the name is another ticket: it comes last.
        other = child(WAIT.replace("count=1", "count=1, launch='2'"))
        assert line(other) == "waits"
        assert [one.name for one in ticket.waiting()] == [later.name, seen.name]
        done(other)
    dead.communicate()


def test_a_launch_waits_once() -> None:
    with leases.drawn(WISH, Path("one")):
        again = child(
            "from aim_jupyter.core.leases import ticket; ticket._PATIENCE_S = 0.2\n"
            "from aim_jupyter.core.errors import StateUnusable\n"
            f"try:\n    with leases.drawn(leases.Wish(keys=({A!r},), count=1), "
            f"__import__('pathlib').Path('one')): print('twice')\n"
            "except StateUnusable as error: print(error)"
        )
        assert "waits already" in done(again)


@needs_root
def test_another_users_ticket_is_theirs_and_nobody_can_take_it_away(folder: Path) -> None:
    alice = child(WAIT, user=ALICE)
    assert line(alice) == "waits"
    (seen,) = ticket.waiting()
    assert seen.uid == ALICE
    remove = (
        f"try: os.unlink(os.environ['AIM_LEASE_DIR'] + '/{seen.name}')\nexcept OSError: print(1)"
    )
    assert done(child(remove, user=BOB)) == "1"
    forge = (
        f"name = os.environ['AIM_LEASE_DIR'] + '/ticket-{ALICE}-forged'\n"
        "handle = os.open(name, os.O_CREAT | os.O_RDWR, 0o644)\n"
        f"os.write(handle, json.dumps(dict(keys=[{A!r}], count=1)).encode())\n"
        "fcntl.flock(handle, fcntl.LOCK_EX); print('forged', flush=True); sys.stdin.read()"
    )
    bob = child(forge, user=BOB)
    assert line(bob) == "forged"
    assert [one.uid for one in ticket.waiting()] == [ALICE, BOB]
    done(bob)
    done(alice)


def test_of_one_user_so_many_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket, "MOST_OF_ONE", 1)
    with leases.drawn(WISH, Path("a")), leases.drawn(WISH, Path("b")):
        assert len(ticket.waiting()) == 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        json.dumps({"keys": [], "count": 0}).encode(),
        json.dumps({"keys": [A], "count": 2}).encode(),
        json.dumps({"keys": [A, A], "count": 2}).encode(),
        json.dumps({"keys": ["../x"], "count": 1}).encode(),
        json.dumps({"keys": [A] * 9999, "count": 1}).encode(),
    ],
)
def test_what_is_no_wish_is_passed_over(folder: Path, text: bytes) -> None:
    with leases.drawn(WISH, Path("one")) as mine:
        (folder / mine.name).write_bytes(text)
        assert ticket.waiting() == []


@given(text=st.binary(max_size=400))
def test_any_bytes_are_a_ticket_or_none(text: bytes) -> None:
    with leases.drawn(WISH, Path("one")) as mine:
        (leases.path() / mine.name).write_bytes(text)
        for one in ticket.waiting():
            assert 0 < one.count <= len(one.keys)


def test_a_folder_that_anybody_could_empty_is_refused(folder: Path) -> None:
    folder.chmod(0o777)
    with pytest.raises(StateUnusable, match="sticky"), leases.drawn(WISH, Path("one")):
        pass
    folder.chmod(0o1777)


def test_one_who_would_come_now_stands_in_no_file(folder: Path) -> None:
    mine = leases.supposed(WISH)
    assert (mine.keys, mine.count, mine.uid) == ((A, B), 1, os.getuid())
    until(lambda: ticket.waiting() == [])
    assert list(folder.iterdir()) == []
