"""What the lines of a log say by their form."""

from __future__ import annotations

import pytest

from aim_jupyter.core.serving.crash.signs import Sign, found, shows


@pytest.mark.parametrize(
    ("sign", "text"),
    [
        ("fatal", "Memory access fault by GPU node-1 on address 0x7f"),
        ("fatal", "Segmentation fault (core dumped)"),
        ("deaths", "RuntimeError: Worker died unexpectedly."),
        ("echoes", "Connection reset by peer"),
        ("harmless", "Exception ignored in: <function _f>"),
        ("errors", "Unable to open /dev/kfd read-write: Permission denied"),
        ("ending", "Shutting down the server"),
        ("guesses", "For debugging consider passing AMD_SERIALIZE_KERNEL=3"),
    ],
)
def test_a_line_shows_what_it_is(sign: Sign, text: str) -> None:
    assert shows(sign, text)
    assert not shows(sign, "Loading weights took 3.2 s")


def test_a_word_that_begins_a_line_is_none_within_one() -> None:
    assert shows("fatal", "Killed")
    assert not shows("fatal", "Request was Killed")


def test_whether_letters_are_large_counts_only_where_its_pattern_says_so() -> None:
    assert shows("ending", "SHUTDOWN requested")
    assert not shows("fatal", "SEGMENTATION FAULT")


def test_where_a_guess_begins_is_said() -> None:
    text = "HIP error: invalid argument. For debugging consider passing X"
    match = found("guesses", text)
    assert match is not None
    assert text[: match.start()] == "HIP error: invalid argument. "
    assert found("guesses", "HIP error") is None
