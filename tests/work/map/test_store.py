"""Rows on disk: in their order, each thing once, and only what is missing is left."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.work.map.store import FIRST, Item, Store, key_of
from aim_jupyter.work.records import Answer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(Store(tmp_path / "rows.db")) as made:
        yield made


def items(*texts: str) -> list[Item]:
    return [Item(key_of(text.encode()), text.encode()) for text in texts]


def test_what_is_the_same_is_asked_once_and_counts_in_each_row(store: Store) -> None:
    store.put(items("a", "b", "a"))
    assert sorted((item.body, item.first, item.times) for item in store.pending()) == [
        (b"a", 0, 2),
        (b"b", 1, 1),
    ]
    store.keep([(key_of(b"a"), Answer(value="A", tokens_in=3, tokens_out=1))])
    assert [answer and answer.value for answer in store.results()] == ["A", None, "A"]
    assert store.counts() == (3, 2, 0, 6, 2)


def test_changed_rows_alone_are_left(store: Store) -> None:
    store.put(items("a", "b"))
    store.keep([(key_of(b"a"), Answer(value="A")), (key_of(b"b"), Answer(value="B"))])
    store.put(items("b", "c", "a"))
    assert [item.body for item in store.pending()] == [b"c"]
    assert [answer and answer.value for answer in store.results()] == ["B", None, "A"]


def test_the_first_rows_come_first_and_the_rest_by_how_it_begins(store: Store) -> None:
    shared = ["x" * 2000, "y" * 2000]
    texts = [f"{shared[at % 2]}{at}" for at in range(100)]
    store.put(items(*texts))
    found = [item.body.decode() for item in store.pending()]
    assert found[:FIRST] == texts[:FIRST]
    changes = sum(one[0] != other[0] for one, other in itertools.pairwise(found[FIRST:]))
    assert changes == 1


def test_failed_rows_alone_are_asked_again(store: Store) -> None:
    store.put(items("a", "b"))
    store.keep(
        [(key_of(b"a"), Answer(value="A")), (key_of(b"b"), Answer(cause="length", error="cut"))]
    )
    assert store.causes() == {"length": 1}
    store.forget_failed()
    assert [item.body for item in store.pending()] == [b"b"]


def test_a_file_that_is_none_of_ours_is_said(tmp_path: Path) -> None:
    (tmp_path / "rows.db").write_bytes(b"not a database, and long enough to be read as one" * 100)
    with pytest.raises(StateUnusable):
        Store(tmp_path / "rows.db")


@given(st.lists(st.text(max_size=3), max_size=60))
def test_any_rows_come_back_in_their_order(texts: list[str]) -> None:
    with contextlib.closing(Store(Path(":memory:"))) as store:
        rows = [Item(key_of(text.encode()), text.encode()) for text in texts]
        store.put(rows)
        left = list(store.pending())
        assert {item.body for item in left} == {row.body for row in rows}
        assert sum(item.times for item in left) == len(rows)
        store.keep((item.key, Answer(value=item.body)) for item in left)
        assert [answer and answer.value for answer in store.results()] == [r.body for r in rows]
