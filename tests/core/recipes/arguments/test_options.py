"""The options of an engine by any of their spellings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aim_jupyter.core.recipes.arguments.options import (
    Option,
    Options,
    canonical,
    named,
    plain,
    whole,
)
from aim_jupyter.core.records import Flag

FLAGS = (
    Flag(names=("--tensor-parallel-size", "-tp"), takes_value=True),
    Flag(names=("--enforce-eager", "--no-enforce-eager"), takes_value=False),
    Flag(names=("--lora-modules",), takes_value=True, many=True),
    Flag(names=("--trust",), takes_value=False),
)


def test_an_option_is_found_by_any_spelling_and_by_its_opposite() -> None:
    known = Options(FLAGS)
    short, off, other = known.find("tp"), known.find("no-enforce-eager"), known.find("other")
    assert short is not None
    assert (short[0].name, short[1]) == ("tensor-parallel-size", False)
    assert off is not None
    assert (off[0].name, off[1]) == ("enforce-eager", True)
    assert other is None
    assert "no-enforce-eager" in known.names


def test_an_engine_that_was_not_asked_takes_all() -> None:
    found = Options([]).find("no-such")
    assert found is not None
    option, off = found
    assert (option.name, off) == ("such", True)
    assert option.accept("any") == "any"


@pytest.mark.parametrize(
    ("option", "value", "taken"),
    [
        (Option(name="x"), "8k", "8k"),
        (Option(name="x", choices=("mp", "ray")), "mp", "mp"),
        (Option(name="x", takes_value=False), None, True),
        (Option(name="x", takes_value=False), "TRUE", True),
        (Option(name="x", takes_value=False, off="no-x"), "false", False),
    ],
)
def test_a_value_is_taken_as_the_option_takes_it(option: Option, value: Any, taken: Any) -> None:
    assert option.accept(value) == taken


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        (Option(name="x"), None, "it needs a value"),
        (Option(name="x"), True, "it needs a value"),
        (Option(name="x", many=True), ["a", "--b"], "can begin with a dash"),
        (Option(name="x", choices=("mp", "ray")), "rai", "nearest: ray"),
        (Option(name="x", choices=("mp", "ray")), "zzzzz", "one of mp, ray"),
        (Option(name="x", takes_value=False), "8", "it is a switch and takes no value"),
        (Option(name="x", takes_value=False), False, "it is off unless given"),
    ],
)
def test_what_it_does_not_take_is_said(option: Option, value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        option.accept(value)


def test_words_are_never_taken_for_another_option() -> None:
    known = Options(FLAGS)
    assert known.words({"lora-modules": ["a=b", {"name": "c"}]}) == [
        "--lora-modules", "a=b", '{"name": "c"}'
    ]  # fmt: skip
    assert known.words({"tensor-parallel-size": "-1", "enforce-eager": False}) == [
        "--tensor-parallel-size=-1", "--no-enforce-eager"
    ]  # fmt: skip
    assert known.words({"other": {"a": [1]}}) == ["--other", '{"a": [1]}']


@settings(max_examples=40)
@given(st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True), st.text(max_size=9)))
def test_each_value_stays_one_word_with_its_option(args: dict[str, str]) -> None:
    words = Options(FLAGS).words(args)
    assert sum(word.startswith("--") for word in words) == len(args)
    joined = [word.partition("=")[2] for word in words if "=-" in word]
    assert all(value.startswith("-") for value in joined)


def test_names_are_plain_up_to_the_first_dot() -> None:
    assert plain("--max_model_len") == "max-model-len"
    assert plain("compilation_config.pass_config.x_y") == "compilation-config.pass_config.x_y"
    assert named({"--max_model_len": 1, "max-model-len": 2}) == {"max-model-len": 2}


def test_of_two_spellings_the_later_holds() -> None:
    assert canonical({"tensor_parallel_size": 4, "-tp": 2}, FLAGS) == {"tensor-parallel-size": 2}
    assert canonical({"tp": 2, "n": 3}) == {"tensor-parallel-size": 2, "nnodes": 3}
    assert canonical({}) == {}


@pytest.mark.parametrize(
    ("said", "count"),
    [
        (8192, 8192), ("8k", 8000), ("8K", 8192), ("1.5M", 3 << 19), ("16GiB", 16 << 30),
        (" 2g ", 2 * 10**9), (0, None), ("-1", None), ("auto", None), (None, None), (0.5, None),
    ],
)  # fmt: skip
def test_a_whole_number_is_read_as_engines_write_it(said: Any, count: int | None) -> None:
    assert whole(said) == count
