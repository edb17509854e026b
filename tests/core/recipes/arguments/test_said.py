"""What is read off a command line, however it is spelled."""

from __future__ import annotations

import json

import pytest

from aim_jupyter.core.recipes.arguments.said import paths, said


@pytest.mark.parametrize(
    "words",
    [
        ["--spec_model", "/x"],
        ["--spec-model=/x"],
        ["--spec-model", "file:///x"],
        ["--spec-model", "name=/x"],
        ["--spec-model", " /x"],
        ["--spec-model", json.dumps(["/x"])],
        ["--spec-model", "o/m", "a=/x"],
    ],
)
def test_a_path_is_found_in_every_spelling(words: list[str]) -> None:
    assert ("spec-model", "/x") in set(paths(["python", "-m", "serve", "/model", *words]))


def test_keys_of_objects_follow_a_dot_at_any_depth_that_is_read() -> None:
    deep = json.dumps({"a": {"b": [{"c": "~/x"}]}})
    assert list(paths(["--o", deep, "--p.q", "../y"])) == [("o.a.b.c", "~/x"), ("p.q", "../y")]
    assert list(said(["--o", "[" * 100_000])) == [("o", "[" * 100_000)]


def test_what_only_looks_like_one_is_none() -> None:
    words = ["--a", "org/name", "--b", "{{ x }}", "--c", "http://x/y", "--d", "1/2", "--e"]
    assert list(paths(words)) == []
