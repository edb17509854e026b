"""The verbs of asking nicely, as they are typed."""

from __future__ import annotations

import pytest

from aim_jupyter.commands import notes, parsing
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import Note


def typed(*words: str) -> list[str]:
    command, given = parsing.parse(list(words))
    assert command.run in (notes.ask, notes.answer)
    lines: list[str] = command.run(given)
    return lines


def test_a_word_is_left_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[object, str]] = []

    def done(who: object, words: str) -> list[Note]:
        told.append((who, words))
        return []

    monkeypatch.setattr("aim_jupyter.core.api.leave_note", done)
    monkeypatch.setattr("aim_jupyter.core.api.answer_note", done)
    typed("ask", "3", "thesis due", "tonight")
    typed("answer", "ann", "at", "18:00")
    assert told == [(3, "thesis due tonight"), ("ann", "at 18:00")]


def test_alone_it_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aim_jupyter.core.api.notes", list)
    assert typed("ask") == ["Nobody has asked you for a GPU, and you have asked nobody."]


def test_who_asks_says_what_for() -> None:
    with pytest.raises(BadUsage, match="What for") as caught:
        typed("ask", "3")
    assert caught.value.hint == '%aim ask 3 "thesis due tonight"'
