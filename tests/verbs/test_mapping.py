"""A model over a table, and the runs that are kept of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from msgspec.structs import replace

from aim_jupyter.core.errors import AimError, BadUsage, UnknownName
from aim_jupyter.verbs import mapping
from aim_jupyter.work import runs as kept
from tests.render.runs import RUN


@pytest.mark.usefixtures("isolated")
def test_where_nothing_was_mapped_there_are_no_runs() -> None:
    assert mapping.runs().empty
    with pytest.raises(UnknownName):
        mapping.run()


def test_a_run_is_known_by_its_handle_from_any_process(isolated: Path) -> None:
    folder = kept.folder_for("1a2b3c", RUN)
    handle = mapping.run("m-1a2b")
    assert repr(handle) == "Run('m-1a2b', stopped, 400 of 1000 rows, 3 failed)"
    assert mapping.run().id == handle.id
    assert mapping.runs().loc[handle.id, "done"] == 400
    handle.stop()
    assert folder.asked_to_stop()
    folder.write(replace(folder.read(), done=997))
    assert handle.state == "done", "what is known is read when it is asked for"
    handle.evict()
    assert not folder.path.exists()


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
