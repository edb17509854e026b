"""DataFrames: nullable types, the right index, and pandas only when one is asked for."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from aim_jupyter.core.records import Sample, ServerRecord, ServerView
from aim_jupyter.tables import columns, frames, types
from aim_jupyter.tables.columns import COLUMNS, INDEX, Verb
from tests.render.samples import DEMO, GPUS


@pytest.mark.parametrize("verb", COLUMNS)
def test_a_table_without_rows_has_every_column_and_type(verb: Verb) -> None:
    table = frames.frame(verb, [])
    assert tuple(table.columns) == COLUMNS[verb]
    assert table.index.name == INDEX[verb]
    for name in table.columns:
        assert str(table[name].dtype) == types.dtype(name, verb), name


def test_gpus_as_in_the_picture() -> None:
    table = frames.frame("gpus", map(columns.gpu_row, GPUS))
    assert list(table.index) == list(range(8))
    assert list(table["gpu"][:7]) == list(range(7))
    assert table["gpu"][7] is pd.NA
    assert table["vram_used_gib"].tolist() == [176.9, 177.2, 177.0, 61.4, 0.3, 0.3, 46.2, 0.3]
    assert table["server"].isna().sum() == 5
    assert table["vram_free_gib"][0] == 15.1


def test_missing_is_na_whatever_the_type() -> None:
    table = frames.frame("metrics", [columns.metrics_row("demo", Sample(at=1.0))])
    assert table.index.tolist() == ["demo"]
    assert table.isna().all(axis=None)
    assert table.loc["demo", "gen_tok_s"] is pd.NA


def test_times_are_in_utc() -> None:
    record = ServerRecord(name="demo", plan=DEMO, created_at=0.0)
    started = ServerRecord(name="two", plan=DEMO, created_at=1e9)
    rows = [columns.server_row(ServerView(record=one)) for one in (record, started)]
    table = frames.frame("ps", rows)
    assert table["started_at"].isna().tolist() == [True, False]
    assert str(table["started_at"].iloc[1]) == "2001-09-09 01:46:40+00:00"


def test_history_is_indexed_by_time() -> None:
    table = frames.history(columns.sample_row(Sample(at=at, gen_tok_s=5.0)) for at in (0.0, 2.0))
    assert isinstance(table.index, pd.DatetimeIndex)
    assert table.index.name == "at"
    assert tuple(table.columns) == COLUMNS["metrics"]
    assert table["gen_tok_s"].sum() == 10.0


def test_the_module_itself_does_not_import_pandas() -> None:
    code = "import sys, aim_jupyter.tables.frames; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
