"""Tables of any library, and files, as rows; and back with more columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.work.map.tables import File, Kinds, table

KINDS: Kinds = {"kind": "string", "n": "integer", "more": "object"}
ADDED = [("x", 1, {"a": 1}), (None, None, None)]


def test_a_frame_of_pandas_keeps_its_index_and_what_it_was() -> None:
    given = pd.DataFrame({"text": ["a", "b"]}, index=pd.Index([7, 7], name="i"))
    assert list(table(given).rows()) == [{"text": "a"}, {"text": "b"}]
    out = table(given).joined(KINDS, ADDED, {"run": "m-1"})
    assert list(out.columns) == ["text", "kind", "n", "more"]
    assert out.index.tolist() == [7, 7]
    assert (out.n.dtype, out.n.tolist()) == ("Int64", [1, pd.NA])
    assert out.attrs["aim"] == {"run": "m-1"}
    assert list(given.columns) == ["text"], "what was given is as it was"


def test_polars_and_arrow_come_back_as_their_own() -> None:
    frame = table(pl.DataFrame({"text": ["a", "b"]})).joined(KINDS, ADDED, {})
    assert isinstance(frame, pl.DataFrame)
    assert frame["n"].to_list() == [1, None]
    arrow = table(pa.table({"text": ["a", "b"]})).joined(KINDS, ADDED, {"run": "m-1"})
    assert arrow.schema.metadata[b"aim"] == b'{"run":"m-1"}'
    assert arrow["more"].to_pylist() == ['{"a":1}', None]
    assert arrow.schema.field("kind").type == pa.string()


def test_a_key_that_a_dict_lacks_is_missing_there() -> None:
    rows = [{"a": 1}, {"b": 2}]
    assert list(table(rows).rows()) == [{"a": 1, "b": None}, {"a": None, "b": 2}]
    assert table(rows).joined({"n": "integer"}, [(1,), (2,)], {}) == [
        {"a": 1, "n": 1}, {"b": 2, "n": 2}
    ]  # fmt: skip
    assert table([]).columns == ()


@pytest.mark.parametrize("given", [["text"], 5, {"a": 1}, object()])
def test_what_is_no_table_is_said(given: Any) -> None:
    with pytest.raises(BadUsage):
        table(given)


def test_a_table_whose_columns_are_not_unique_is_none() -> None:
    with pytest.raises(BadUsage, match="no table that can be mapped"):
        table(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_file_is_written_from_another_of_any_kind(tmp_path: Path, ending: str) -> None:
    source, out = tmp_path / "in.csv", tmp_path / f"out{ending}"
    source.write_bytes('\ufefftext\n"a, ""b"""\nc\n'.encode())
    given = File(source, out)
    assert given.columns == ("text",)
    assert given.joined(KINDS, ADDED, {}) == out
    rows = list(File(out).rows())
    assert [row["text"] for row in rows] == ['a, "b"', "c"]
    assert str(rows[0]["n"]) == "1"
    assert rows[1]["kind"] in (None, "")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_file_of_no_kind_and_one_that_can_not_be_read_are_said(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="of no kind that is read or written"):
        File(tmp_path / "in.xlsx")
    with pytest.raises(BadUsage, match="can't be read"):
        File(tmp_path / "absent.csv")
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"a": 1}\nno json\n')
    with pytest.raises(BadUsage, match="can't be read"):
        list(File(broken).rows())


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from([".csv", ".jsonl", ".parquet"]))
def test_any_text_comes_back_from_a_file_in_its_order(
    tmp_path: Path, texts: list[str], ending: str
) -> None:
    (tmp_path / "in.jsonl").write_text("{}\n" * len(texts))
    out = File(tmp_path / "in.jsonl", tmp_path / f"out{ending}").joined(
        {"answer": "string"}, [(text,) for text in texts], {}
    )
    assert [row["answer"] for row in File(out).rows()] == texts
