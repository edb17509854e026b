"""`%aim map` and its runs in a shell: the table is the notebook's, and so are schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from aim_jupyter.core.errors import UnknownName
from tests.waiting import launch_ready


@pytest.fixture
def shell(fake: Callable[..., Path]) -> Iterator[Any]:
    fake()
    launch_ready()
    made: Any = InteractiveShell()  # type: ignore[no-untyped-call]
    made.run_line_magic("load_ext", "aim_jupyter")
    made.user_ns["df"] = pd.DataFrame({"text": ["a", "b"]})
    yield made
    made.run_line_magic("unload_ext", "aim_jupyter")


def test_a_line_and_a_cell_map_a_table_of_the_notebook(shell: Any) -> None:
    # What stands in braces is a column, also where the notebook has such a name.
    shell.user_ns["text"] = "not this"
    out: Any = shell.run_line_magic("aim", 'map df --into said "Kind? {text}"')
    assert out.said.tolist() == ["You said: Kind? a", "You said: Kind? b"]
    shell.user_ns["Label"] = ["good", "bad"]
    out = shell.run_cell_magic("aim", "map df --into kind --schema Label", "Is it good?\n{text}")
    assert set(out.kind) <= {"good", "bad"}
    runs: Any = shell.run_line_magic("aim", "runs")
    assert runs.done.tolist() == [2, 2]
    assert runs.state.tolist() == ["done", "done"]
    rows: Any = shell.run_line_magic("aim", f"runs frame {runs.index[1]}")
    assert rows.raw.tolist() == ["You said: Kind? a", "You said: Kind? b"]
    shell.run_line_magic("aim", f"runs evict {' '.join(runs.index)}")
    again: Any = shell.run_line_magic("aim", "runs")
    assert again.empty


def test_a_table_that_is_not_there_names_the_nearest(shell: Any) -> None:
    with pytest.raises(UnknownName, match="table 'dg'"):
        shell.run_line_magic("aim", 'map dg "{text}"')


def test_other_verbs_put_in_what_names_stand_for(shell: Any) -> None:
    shell.user_ns["which"] = "demo"
    with pytest.raises(UnknownName, match="run 'demo'"):
        shell.run_line_magic("aim", "runs frame {which}")
