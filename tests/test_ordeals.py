"""The table of ordeals is true, and a landing can afford what it takes."""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import ordeals
from tests.ordeals import LANDING_MIN, ROOT, SHARE_MIN, Ordeal

FILES = tuple(
    str(path.relative_to(ROOT))
    for folder in (
        *("aim_jupyter", "benchmarks", "binder", "docker", "docs", "locks", "tests"),
        "notebooks",
        "labextension/src",
        "recipes",
    )
    for path in (ROOT / folder).rglob("*.*")
)
COMMITS = st.text("0123456789abcdef", min_size=40, max_size=40)
ROWS = st.lists(
    st.builds(
        Ordeal,
        name=st.text("abcdefgh", min_size=1),
        tests=st.just(("tests/test_a.py",)),
        guards=st.lists(st.sampled_from(["a/*", "a/b.py", "c/*", "*"])).map(tuple),
        minutes=st.integers(1, 15).map(float),
    ),
    unique_by=lambda row: row.name,
    max_size=30,
)


@pytest.mark.parametrize("row", ordeals.table(), ids=lambda row: row.name)
def test_what_a_row_names_is_there(row: Ordeal) -> None:
    for test in row.tests:
        file, _, name = test.partition("[")[0].partition("::")
        assert (ROOT / file).exists(), test
        assert not name or f"def {name}(" in (ROOT / file).read_text(), test
    for guard in row.guards:
        assert (ROOT / guard).exists() or any(fnmatch(file, guard) for file in FILES), guard


def test_no_ordeal_is_marked_by_hand() -> None:
    hand = re.compile(r"mark\.ordeal\b(?!s)")
    found = [path for path in (ROOT / "tests").rglob("test_*.py") if hand.search(path.read_text())]
    found = [path for path in found if path.name != "test_ordeals.py"]
    assert found == [], "take the mark out, and write a row into tests/ordeals.toml"


def test_each_share_is_one_that_a_landing_can_afford() -> None:
    rows = ordeals.table()
    assert len({row.name for row in rows}) == len(rows)
    for share in ordeals.shares(rows):
        assert ordeals.minutes(share) <= SHARE_MIN, [row.name for row in share]


@given(ROWS, st.sets(st.sampled_from(["a/b.py", "a/x.py", "c/d.py", "e"])), COMMITS)
def test_a_landing_takes_no_more_than_it_has_and_says_what_it_leaves(
    rows: list[Ordeal], touched: Collection[str], commit: str
) -> None:
    found = ordeals.chosen(rows, touched, ["a/b.py", "a/x.py", "c/d.py", "e"], commit)
    taken = [*found.touched, *found.share]
    assert ordeals.minutes(taken) <= LANDING_MIN
    wanted = {row.name for row in rows if row.guarded(touched)}
    wanted |= {row.name for row in ordeals.shares(rows)[ordeals.drawn(commit)]}
    assert {row.name for row in (*taken, *found.left_out)} == wanted
    assert len(taken) + len(found.left_out) == len(wanted)


def test_every_ordeal_comes_round_whatever_was_touched() -> None:
    rows = ordeals.table()
    nothing: tuple[str, ...] = ()
    for touched in (nothing, FILES):
        found = [ordeals.chosen(rows, touched, FILES, f"{n:040x}") for n in range(ordeals.SHARES)]
        assert {row for each in found for row in (*each.touched, *each.share)} == set(rows)


def test_what_guards_least_comes_first() -> None:
    wide = Ordeal("wide", ("t",), ("a/*",), LANDING_MIN)
    narrow = Ordeal("narrow", ("t",), ("a/b.py",), LANDING_MIN)
    other = Ordeal("other", ("t",), ("c",), 1.0)
    found = {
        tuple(row.name for row in ordeals.chosen(rows, {"a/b.py"}, FILES_OF_TWO, commit).touched)
        for rows in ([wide, narrow, other], [narrow, wide, other])
        for commit in (f"{3:040x}", f"{4:040x}")  # a share that is empty
    }
    assert found == {("narrow",)}


FILES_OF_TWO = ("a/b.py", "a/c.py", "c")
