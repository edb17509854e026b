"""Expected failures: two lines for a user, one tree for a program."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import errors
from aim_jupyter.core.errors import (
    AimError,
    BadUsage,
    StateUnusable,
    UnknownName,
    closed_files,
    closest,
)

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, AimError) and kind.__module__ == errors.__name__
]


def test_the_tree_at_the_top_of_the_module_is_the_tree() -> None:
    drawn = re.findall(r"^[ │├└─]*── (\w+)", errors.__doc__ or "", re.MULTILINE)
    assert set(drawn) == {kind.__name__ for kind in KINDS} - {"AimError"}
    for kind in KINDS:
        (line,) = (
            line
            for line in (errors.__doc__ or "").splitlines()
            if re.search(rf"(^|\s){kind.__name__}(\s|$)", line)
        )
        depth = 0 if kind is AimError else (line.index("──") - 1) // 4
        assert depth == len([one for one in kind.__mro__ if issubclass(one, AimError)]) - 1


def test_an_error_is_what_was_found_and_what_to_do() -> None:
    error = BadUsage("It is so.", "do that")
    assert error.lines == ["BadUsage: It is so.", "To do: do that"]
    assert error._render_traceback_() == error.lines
    assert BadUsage("It is so.").lines == ["BadUsage: It is so."]


@given(found=st.text(), hint=st.text())
def test_a_user_never_reads_more_than_two_lines(found: str, hint: str) -> None:
    lines = AimError(found, hint).lines
    assert len(lines) == (2 if hint.strip() else 1)
    assert all(len(line.splitlines()) == 1 for line in lines)


def test_an_unknown_name_holds_the_nearest() -> None:
    error = UnknownName("model", "dmeo", ["demo", "Qwen/Qwen3-32B"])
    assert error.nearest == ["demo"]
    assert error.found == "There is no model 'dmeo'. Nearest: demo."
    assert UnknownName("model", "zzz", ["demo"]).found == "There is no model 'zzz'."


@pytest.mark.parametrize("kind", KINDS)
def test_errors_cross_a_process_pool(kind: type[AimError]) -> None:
    error = (
        UnknownName("model", "dmeo", iter(["demo"]), "look")
        if kind is UnknownName
        else kind("found", "hint")
    )
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind
        assert again.lines == error.lines


def test_names_are_compared_without_regard_to_case() -> None:
    assert closest("QWEN3-32b", ["Qwen/Qwen3-32B"]) == ["Qwen/Qwen3-32B"]


def test_two_letters_are_no_part_of_everything() -> None:
    assert closest("wx", ["Qwxn/Model", "other"]) == []


@given(name=st.text(), known=st.lists(st.text()), most=st.integers(1, 5))
def test_the_closest_are_few_and_known(name: str, known: list[str], most: int) -> None:
    found = closest(name, known, most)
    assert len(found) <= most
    assert set(found) <= set(known)
    assert len(set(found)) == len(found)


def test_a_file_that_is_closed_is_one_line() -> None:
    with pytest.raises(StateUnusable, match="/x/y: Permission denied") as caught, closed_files():
        raise PermissionError(13, "Permission denied", "/x/y")
    assert caught.value.hint == "namei -l /x/y shows whose it is"
    # What names no file is a defect, and keeps its own words.
    with pytest.raises(PermissionError), closed_files():
        raise PermissionError(1, "no")
