"""A request as a line: what it says is what is read, whichever options it has."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from aim_jupyter.commands import handlers, parsing
from aim_jupyter.core.recipes.arguments.options import plain
from aim_jupyter.core.request import words
from aim_jupyter.core.request.record import OPTIONS, Option, Request
from aim_jupyter.core.request.values import (
    CLOCK,
    COUNT,
    NAMES,
    ORDINALS,
    PAIRS,
    SWITCH,
    TIME,
    TOKENS,
)
from tests.core.serving.state.test_starts import PLAN

_TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
#: A word that is no option.
_WORD = _TEXT.filter(lambda text: not text.startswith("-"))
_NAME = st.from_regex(r"[a-z]{1,6}(-[a-z]{1,6})?", fullmatch=True)
_VALUES = {
    COUNT: st.integers(1, 10**6),
    TOKENS: st.integers(1, 10**6) | st.just("auto"),
    TIME: st.none() | st.integers(1, 10**6).map(float),
    ORDINALS: st.lists(st.integers(0, 99), min_size=1, max_size=3).map(tuple),
    CLOCK: st.from_regex(r"([01][0-9]|2[0-3]):[0-5][0-9]", fullmatch=True),
    SWITCH: st.sampled_from([True]),
    NAMES: st.lists(_NAME, min_size=1, max_size=2).map(tuple),
    PAIRS: st.dictionaries(st.from_regex(r"[A-Z]{1,6}", fullmatch=True), _TEXT, min_size=1),
}


def values(option: Option) -> st.SearchStrategy[Any]:
    """Return values that an option can have."""
    if option.field == "options":
        return st.dictionaries(_NAME, _TEXT | st.none(), max_size=3)
    return st.sampled_from(option.choices) if option.choices else _VALUES.get(option.kind, _WORD)


REQUESTS = st.fixed_dictionaries(
    {}, optional={option.field: values(option) for option in OPTIONS}
).map(lambda said: Request(**said))


def read(said: list[str]) -> Request:
    """Return the request of a line's words, without what stands behind it."""
    return handlers.asked(parsing.parse(["launch", *said])[1])


@given(REQUESTS)
def test_every_option_is_read_as_it_was_written(request: Request) -> None:
    found = read([word for wish in words.wishes(request) for word in wish.words])
    for option in OPTIONS:
        if option.field != "options":
            assert getattr(found, option.field) == getattr(request, option.field), option.word
    wanted = {
        # One of ours has to be said by `--set`, which takes a value.
        name: "true" if value is None and name in words.OURS else value
        for name, value in request.options.items()
    }
    assert {plain(name): value for name, value in found.options.items()} == wanted


@given(REQUESTS)
def test_its_wishes_are_the_request(request: Request) -> None:
    made = words.request(list(words.wishes(request)))
    for option in OPTIONS:
        if option.field != "options":
            assert getattr(made, option.field) == getattr(request, option.field), option.word


@given(REQUESTS)
def test_a_line_is_split_into_the_words_that_it_was_made_of(request: Request) -> None:
    wished = list(words.wishes(request))
    line = words.line(wished)
    assert parsing.split(line.removeprefix("%aim launch")) == [
        word for wish in wished for word in wish.words
    ]


def test_what_is_left_open_has_no_words() -> None:
    assert words.words(Request()) == ()
    assert words.line([]) == "%aim launch"


@pytest.mark.parametrize("name", ["HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "MY_PASSWORD", "api_key"])
def test_a_secret_is_left_out_of_what_is_shown(name: str) -> None:
    request = Request(model="demo", env={name: "hidden", "OMP_NUM_THREADS": "4"})
    assert words.words(request) == ("demo", "--env", "OMP_NUM_THREADS=4")


def test_a_namespace_without_some_options_is_a_request_too() -> None:
    given = Namespace(model=None, users=4, engine_options={})
    assert handlers.asked(given) == Request(users=4)


def test_a_plan_is_asked_for_again_by_what_was_asked() -> None:
    assert words.again(structs.replace(PLAN, asked=("my model", "--users", "4"))) == (
        "%aim launch 'my model' --users 4"
    )
    assert words.again(structs.replace(PLAN, asked=())) == f"%aim launch {PLAN.model}"


@pytest.mark.parametrize(
    ("said", "names", "kept"),
    [
        ("demo --port 8000 --force", {"port"}, "demo --force"),
        ("demo --port=8000 --force", {"port"}, "demo --force"),
        ("demo --seed=-1 x", {"seed"}, "demo x"),
        ("demo --no-enable-prefix-caching --users 4", {"enable-prefix-caching"}, "demo --users 4"),
        ("--port --users 4", {"port"}, "--port --users 4"),
    ],
)
def test_options_are_left_out_of_a_line_with_their_values(
    said: str, names: set[str], kept: str
) -> None:
    assert words.without(said.split(), names) == tuple(kept.split())
