"""What a recipe may set of an engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters.allowed import Allowed, Kind

LIST = Allowed(
    options={
        "eager": "switch",
        "trust": "off",
        "dtype": ["auto", "bfloat16"],
        "seqs": "1..100000",
        "util": "0.1..0.95",
        "many": "list of 1..64",
        "parser": "word",
        "draft": "repo",
        "config": {"method": "word", "depth": {"n": "1..8"}},
    },
    variables={"VLLM_X": "0..1"},
)


def wrong(path: str, value: Any) -> list[tuple[str, str]]:
    return list(LIST.option(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("eager", None), ("eager", "false"), ("no-eager", None), ("trust", False),
        ("dtype", "auto"), ("seqs", 5), ("seqs", "2k"), ("util", "0.5"), ("many", [1, 64]),
        ("many", "7"), ("parser", "hermes-2"), ("draft", "own/model"),
        ("config", {"method": "eagle"}), ("config", '{"depth": {"n": 3}}'),
        ("config.depth.n", "8"),
    ],
)  # fmt: skip
def test_what_is_on_the_list_is_right(path: str, value: Any) -> None:
    assert wrong(path, value) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("odd", 1, ("odd", "it is not on the list")),
        ("trust", True, ("trust", "it can only be switched off")),
        ("no-trust", False, ("trust", "it can only be switched off")),
        ("dtype", "int3", ("dtype", "it can only be one of auto, bfloat16")),
        ("seqs", 0, ("seqs", "it can only be 1 to 100000")),
        ("seqs", True, ("seqs", "it can only be 1 to 100000")),
        ("seqs", "9" * 30, ("seqs", "it can only be 1 to 100000")),
        ("util", "1e9", ("util", "it can only be 0.1 to 0.95")),
        ("many", [1] * 2000, ("many", "it can only be a list, each 1 to 64")),
        ("parser", "/etc/passwd", ("parser", "it can only be a bare name")),
        ("draft", "../x/y", ("draft", "it can only be a repository of the Hub")),
        ("draft", "a/..", ("draft", "it can only be a repository of the Hub")),
        ("config", "x", ("config", "it can only be an object")),
        ("config", {"path": "x"}, ("config.path", "it is not on the list")),
        ("config.depth.n", 9, ("config.depth.n", "it can only be 1 to 8")),
    ],
)
def test_all_else_is_wrong_with_its_name(path: str, value: Any, said: tuple[str, str]) -> None:
    assert wrong(path, value) == [said]


def test_variables_are_held_to_their_own_list() -> None:
    assert list(LIST.variable("VLLM_X", "1")) == []
    assert list(LIST.variable("VLLM_X", "2")) == [("VLLM_X", "it can only be 0 to 1")]
    assert list(LIST.variable("LD_PRELOAD", "x")) == [("LD_PRELOAD", "it is not on the list")]


@pytest.mark.parametrize("kind", ["anything", "1-2", "list of things", [1], 3])
def test_a_description_that_means_nothing_is_refused(kind: Kind) -> None:
    with pytest.raises(ValueError, match="describes no value"):
        Allowed(options={"x": kind})


@given(
    st.sampled_from([*LIST.options, "odd", "no-eager"]),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=4),
)
def test_no_value_breaks_it_nor_passes_with_a_path(path: str, value: Any) -> None:
    found = wrong(path, value)
    if not found:
        assert not str(value).startswith(("/", ".."))


def test_the_built_in_lists_describe_what_they_hold() -> None:
    for adapter in adapters.known():
        assert adapter.allowed.options or adapter.name not in ("vllm", "sglang")
