"""A model over a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl
import pytest

from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.verbs import mapping
from aim_jupyter.work import runs as kept


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        (["a", "b"], [{"query": "q", "text": "a"}, {"query": "q", "text": "b"}]),
        (("a",), [{"query": "q", "text": "a"}]),
    ],
)
def test_texts_are_a_column_of_their_own_kind(texts: Any, rows: Any) -> None:
    assert mapping._column(texts, query="q") == rows


def test_a_series_stays_with_its_library() -> None:
    out = mapping._column(pl.Series("any", ["a", "b"]), query="q")
    assert isinstance(out, pl.DataFrame)
    assert out.to_dict(as_series=False) == {"text": ["a", "b"], "query": ["q", "q"]}
    frame = mapping._column(pd.Series(["a", "b"], index=[3, 4]))
    assert (list(frame.columns), frame.index.tolist()) == (["text"], [3, 4])


@pytest.mark.usefixtures("isolated")
def test_without_a_server_nothing_is_begun() -> None:
    with pytest.raises(AimError):
        mapping.map([{"text": "a"}], "{text}")
    with pytest.raises(BadUsage, match="is no address of a server"):
        mapping.map([{"text": "a"}], "{text}", servers="ftp://host")
    assert kept.folders() == []
