"""A word reaches who holds a device now, and the answer who asked; nobody writes for others."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from aim_jupyter.core import leases
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.leases import note
from tests.core.leases.children import ALICE, BOB, A, B, Child, child, done, line, needs_root

HOLD = (
    f"lease = leases.take([{A!r}], info={{'server': 'theirs'}})\n"
    "print('held', flush=True); sys.stdin.readline()\n"
)
ASK = f"from aim_jupyter.core.leases import note; note.leave({A!r}, 'thesis  due tonight')"
ANSWER = (
    "from aim_jupyter.core.leases import note\n"
    "for one in note.notes(): note.answer(one, 'at 18:00')"
)


def held(user: int) -> Child:
    holder = child(HOLD, user=user)
    assert line(holder) == "held"
    return holder


@needs_root
def test_who_holds_it_reads_it_and_answers(folder: Path) -> None:
    holder = held(ALICE)
    assert done(child(ASK, user=BOB)) == ""
    (asked,) = note.notes()
    assert (asked.key, asked.uid, asked.holder_uid, asked.server) == (A, BOB, ALICE, "theirs")
    assert (asked.words, asked.answer) == ("thesis due tonight", "")
    assert done(child(ANSWER, user=ALICE)) == ""
    (answered,) = note.notes()
    assert (answered.answer, answered.at) == ("at 18:00", asked.at)
    assert answered.answered_at is not None
    # Another word is another question.
    time.sleep(0.01)
    done(child(ASK, user=BOB))
    assert note.notes()[0].answer == ""
    done(holder)
    assert note.notes() == []


@needs_root
def test_who_has_it_afterwards_was_not_asked() -> None:
    holder = held(ALICE)
    done(child(ASK, user=BOB))
    done(holder)
    time.sleep(0.01)
    holder = held(ALICE)
    assert note.notes() == []
    done(holder)


@needs_root
def test_nobody_asks_or_answers_in_anothers_name(folder: Path) -> None:
    holder = held(ALICE)
    done(child(ASK, user=BOB))
    (asked,) = note.notes()
    # Root is not the holder either.
    note.answer(asked, "take it")
    assert note.notes()[0].answer == ""
    for name in (f"note-{ALICE}-forged", f"answer-{ALICE}-{note._name(asked)}"):
        (folder / name).write_text(json.dumps({"key": A, "words": "forged"}))
    (same,) = note.notes()
    assert same == asked
    done(holder)


def test_one_can_only_ask_for_what_another_holds() -> None:
    with pytest.raises(BadUsage, match="Nobody holds it"):
        note.leave(A, "please")
    with leases.take([A], info={"server": "mine"}):
        with pytest.raises(BadUsage, match="yours") as caught:
            note.leave(A, "please")
        assert caught.value.hint == "%aim stop mine"


@needs_root
@pytest.mark.parametrize("words", ["", "  ", "\x1b[31m", "x" * (note.MOST + 1)])
def test_what_is_no_line_is_refused(words: str) -> None:
    holder = held(ALICE)
    with pytest.raises(BadUsage, match="one line"):
        note.leave(A, words)
    done(holder)


@needs_root
def test_nonsense_and_floods_are_passed_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note, "MOST_OF_ONE", 4)
    holder = held(ALICE)
    me = os.getuid()
    for number, text in enumerate((b"", b"{", b"\xff", b'{"key": "../x", "words": "y"}')):
        (folder / f"note-{me}-{number}").write_bytes(text)
    assert note.notes() == []
    for number in range(9):
        said = {"key": A, "words": f"word {number}"}
        (folder / f"note-{me}-{number}").write_text(json.dumps(said))
    assert len(note.notes()) == 4
    done(holder)


@needs_root
def test_what_is_old_is_tidied_by_who_wrote_it(folder: Path) -> None:
    holder = held(ALICE)
    old = folder / f"note-{os.getuid()}-old"
    old.write_text(json.dumps({"key": B, "words": "long ago"}))
    os.utime(old, (0, 0))
    note.leave(A, "please")
    assert not old.exists()
    assert len(note.notes()) == 1
    done(holder)
