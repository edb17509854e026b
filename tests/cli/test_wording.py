"""Words as they are typed in a terminal, and what is said there."""

from __future__ import annotations

import io
from argparse import Namespace

import pytest

from aim_jupyter.cli import wording
from aim_jupyter.core.errors import BadUsage


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("%aim launch demo --new", "aim-engine launch demo --new"),
        ("write it below %%aim chat", "write it below aim-engine chat"),
        ("client = %aim client demo", 'eval "$(aim-engine client demo --export)"'),
        ("server = %aim launch demo", "aim-engine launch demo"),
        ("nothing of ours", "nothing of ours"),
    ],
)
def test_a_line_is_the_terminals(text: str, typed: str) -> None:
    assert wording.ours(text) == typed


def test_what_is_said_comes_from_the_option_else_from_a_pipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(" from a pipe \n"))
    assert wording.said(Namespace(say="of the option")) == "of the option"
    assert wording.said(Namespace(say=None)) == "from a pipe"
    with pytest.raises(BadUsage, match="nothing to say"):
        wording.said(Namespace(say=None))
