"""What others wrote does nothing when it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import serving
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.harmless import harmless
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

CLIPBOARD = "\x1b]52;c;cm0gLXJmIH4=\x07"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred\x1b[0m", "red"),
        (f"a{CLIPBOARD}b", "ab"),
        ("a\x1b]52;c;eA==\x1b\\b", "ab"),
        ("a\x1bP1;2|x\x1b\\b", "ab"),
        ("a\x9b31mb", "a31mb"),
        ("a\x1bcb", "ab"),
        ("a\rb\x07\x08\x00", "ab"),
        ("\u202egnp.exe\u2066\u200b\ufeff", "gnp.exe"),
        ("\U000e0041\U000e0042x", "x"),
        ("نص עברית 漢字 👩‍💻", "نص עברית 漢字 👩‍💻"),
    ],
    ids=ascii,
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text(alphabet="\x1b]52;c\x07\\[mP^_\x9b\x9d\u202ea\n", max_size=60))
def test_nothing_that_steers_is_left(text: str) -> None:
    left = harmless(text)
    assert not set(left) & set("\x1b\x07\x9b\x9d\u202e")
    assert harmless(left) == left


def test_an_error_is_shown_harmlessly() -> None:
    assert BadUsage(f"no {CLIPBOARD}model", "\x1b[2Jtry").lines == [
        "BadUsage: no model",
        "To do: try",
    ]


def test_so_is_a_log(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    with folder.log.open("a") as log:
        log.write(f"somebody {CLIPBOARD}wrote\u202e this\n")
    serving.stop(folder, drain_s=0)
    assert "somebody wrote this" in serving.tail(folder, 200)
    assert not any("\x1b]" in line for line in serving.follow(folder, 200))
