"""The nearest line to a wrong one: whatever was typed, it is one that is taken, or the help."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.commands import mending, parsing
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core.errors import AimError

WORDS = [
    *{word for command in COMMANDS for word in command.name.split()},
    *{name for command in COMMANDS for each in command.arguments for name in each.names},
    *("lanuch", "demo", "--usrs", "many", "4", "30min", "a b", "", "--", "-", "'", "=", "--x=1"),
]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["launch", "--idle", "2 hours"], "%aim launch --idle 2h"),
        (["stop", "a", "b"], "%aim stop a"),
        (["cache", "prefetch"], "%aim cache prefetch demo"),
        (["launch", "--metric", "latencyy"], "%aim launch --metric latency"),
        (["launch", "--max-num-seqs", "8", "--usrs"], "%aim launch --max-num-seqs 8 --usrs"),
    ],
)
def test_words_are_put_right(words: list[str], line: str) -> None:
    assert mending.mended(words, "%aim") == line


@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
def test_what_is_offered_is_always_taken(words: list[str]) -> None:
    try:
        parsing.parse(words)
    except parsing.HelpAsked:
        return
    except AimError as error:
        try:
            parsing.parse(shlex.split(error.hint)[1:])
        except parsing.HelpAsked:
            return
