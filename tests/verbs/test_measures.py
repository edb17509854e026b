"""What servers do and did, from Python."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from aim_jupyter.core import api
from aim_jupyter.core.errors import AimError
from aim_jupyter.tables.columns import COLUMNS
from aim_jupyter.verbs import measures
from tests.conftest import FakeEngine
from tests.waiting import launch_ready, say, until


def test_of_a_server_there_is_now_the_past_and_all_that_it_exports(
    fake: FakeEngine, tmp_path: Path
) -> None:
    fake()
    folder = launch_ready()
    say(folder, "one two")
    until(lambda: 1 in set(measures.metrics("demo", history_s=600).req_done.dropna()))
    assert measures.metrics().index.tolist() == ["demo"]
    past = measures.metrics("demo", history_s=600)
    assert isinstance(past.index, pd.DatetimeIndex)
    stepped = measures.metrics("demo", history_s=60, every_s=5)
    assert tuple(stepped.columns) == COLUMNS["metrics"]
    raw = measures.exported("demo")
    assert tuple(raw.columns) == COLUMNS["raw"]
    assert raw.index.str.startswith("vllm:").any()
    until(lambda: measures.usage("demo").requests.sum() == 1)
    used = measures.usage(days=1)
    assert used.index.name == "day"
    assert used.server.unique().tolist() == ["demo"]
    assert (used.tokens_in.sum(), used.tokens_out.sum()) == (2, 4), "You said: one two"
    assert used.gpu_hours.isna().all()
    folder_stopped = api.stop("demo")
    assert not folder_stopped.record.live
    assert measures.usage().tokens_out.sum() == 4, "also of one that has ended"
    measures.plot("demo", to=tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_bytes().startswith(b"<?xml")


def test_without_servers_the_table_is_empty_and_one_that_is_named_is_told() -> None:
    assert measures.metrics().empty
    assert tuple(measures.metrics().columns) == COLUMNS["metrics"]
    for verb in (measures.metrics, measures.exported, measures.plot):
        with pytest.raises(AimError):
            verb("none")
