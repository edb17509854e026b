# ruff: noqa: RUF001 - the dashes and signs that users see
"""Units, times and counts as the copy rules have them."""

from __future__ import annotations

import doctest

import pytest

from aim_jupyter.core.sizes import GIB
from aim_jupyter.render import words
from aim_jupyter.tables import frames, known, types


@pytest.mark.parametrize("module", [words, frames, known, types])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    done = doctest.testmod(module)  # type: ignore[arg-type]
    assert done.attempted > 0
    assert done.failed == 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.04, "0.0 s"),
        (0.96, "1 s"),
        (1, "1 s"),
        (59.6, "1 min 00 s"),
        (61, "1 min 01 s"),
        (149, "2 min 29 s"),
        (3600, "1 h 00 min"),
        (8041, "2 h 14 min"),
        (18122, "5 h 02 min"),
        (-3, "0 s"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3600, "60 min"), (3120, "52 min"), (7200, "120 min"), (7260, "2 h 01 min"), (20, "20 s")],
)
def test_limits_are_said_in_minutes(seconds: float, said: str) -> None:
    assert words.limit(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (None, "–"),
        (192 * GIB, "192.0 GiB"),
        (1.24 * 1024 * GIB, "1.24 TiB"),
        (3 * 1024**2, "3.0 MiB"),
        (0.05 * GIB, "0.1 GiB"),
    ],
)
def test_sizes(size: float | None, said: str) -> None:
    assert words.disk(size) == said


def test_unknown_is_a_dash_never_zero() -> None:
    assert words.gib(None) == words.number(None, "%") == words.bare(None) == "–"
    assert words.date(None) == words.platform(None) == words.engine(None) == "–"
    assert words.number(0, "tok/s") == "0 tok/s"


def test_thousands_have_a_comma_in_cards_and_none_for_scripts() -> None:
    assert words.number(32768) == "32,768"
    assert words.bare(1842.0) == "1842"
    assert words.plural(1018, "line") == "1,018 lines"


def test_makers_spell_their_names() -> None:
    assert words.engine("vllm", "0.32.0") == "vLLM 0.32.0"
    assert words.engine("other") == "other"
    assert words.platform("rocm 7.2") == "ROCm 7.2"


def test_milliseconds() -> None:
    assert words.milliseconds(0.0124) == "12 ms"
    assert words.milliseconds(0.0002) == "0.2 ms"
    assert words.milliseconds(1.2044) == "1,204 ms"


def test_listing() -> None:
    assert words.listing([]) == ""
    assert words.listing([4]) == "4"
    assert words.listing([4, 5]) == "4 and 5"


def test_clean_takes_out_what_a_terminal_would_obey() -> None:
    assert words.clean("a\x1b[31mb\x1b[0m\x07\u202ec\td\ne") == "abc\td\ne"
