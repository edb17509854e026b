"""What a notebook shows of a DataFrame of ours, and what it leaves to pandas."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from aim_jupyter import render
from aim_jupyter.commands import presenting
from aim_jupyter.notebook import display
from aim_jupyter.tables import frames
from aim_jupyter.tables.columns import COLUMNS, INDEX, Row


def table(*given: Row, verb: Any = "ps") -> pd.DataFrame:
    """Return a marked table whose rows have these values, the rest unknown."""
    nothing: Row = dict.fromkeys((INDEX[verb] or "", *COLUMNS[verb]))
    made = frames.frame(verb, [nothing | row for row in given])
    made.attrs[presenting.MARK] = verb
    return made


def html(frame: pd.DataFrame) -> str:
    """Return a table of ours as a notebook shows it."""
    made = presenting.table(frame)
    assert made is not None
    return render.frame_html(*made)


def test_missing_values_say_so_and_decimals_stand_below_each_other() -> None:
    shown = html(table({"server": "a", "gen_tok_s": 1.25}, {"server": "b", "gen_tok_s": 10.0}))
    assert ">1.25</td>" in shown
    assert ">10.00</td>" in shown
    assert "&lt;NA&gt;" in shown


def test_what_is_selected_from_a_table_of_ours_looks_the_same() -> None:
    whole = table({"server": "a", "state": "running"}, {"server": "b", "state": "failed"})
    chosen = whole[whole.state == "running"][["state", "reason"]]
    shown = html(chosen)
    assert shown.count("<tr>") == 2


LONG: list[Row] = [{"server": str(number)} for number in range(presenting.MOST_ROWS + 1)]


@pytest.mark.parametrize(
    "made",
    [
        pd.DataFrame(),
        pd.DataFrame({"state": ["running"]}),
        table({"server": "a"}).T,
        table({"server": "a"}).assign(of_the_user=1),
        table({"server": "a", "state": "x"}).set_index(["state", "stage"]),
        table(*LONG),
    ],
    ids=["empty", "a user's", "transposed", "extended", "two indices", "very long"],
)
def test_other_tables_are_left_to_pandas(made: pd.DataFrame) -> None:
    assert presenting.table(made) is None


def test_a_formatter_of_the_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "updates_in_place", lambda: True)
    shell = InteractiveShell()  # type: ignore[no-untyped-call]
    assert shell.display_formatter is not None
    formatter = shell.display_formatter.formatters["text/html"]
    display.register_tables(shell, pd.DataFrame)
    assert "<style" in str(formatter(table({"server": "a"})))
    of_the_user = pd.DataFrame({"x": [1]})
    assert formatter(of_the_user) == of_the_user._repr_html_()  # type: ignore[operator]

    formatter.for_type(pd.DataFrame, lambda _: "the user's own")
    display.register_tables(shell, pd.DataFrame)
    assert formatter(table({"server": "a"})) == "the user's own"


def test_a_terminal_shows_the_first_columns_and_names_the_next() -> None:
    made = presenting.table(table({"server": "a", "state": "running", "reason": "x" * 50}))
    assert made is not None
    lines = render.frame_text(*made, width=60).splitlines()
    assert lines[0].split()[:3] == ["server", "state", "stage"]
    assert lines[1].split()[:3] == ["a", "running", "<NA>"]
    assert "columns more: " in lines[2]
    assert max(map(len, lines[:2])) <= 60


def test_values_can_not_become_markup() -> None:
    shown = html(table({"server": "<b>", "reason": "<script>alert(1)</script>"}))
    assert "<b>" not in shown
    assert "<script" not in shown


def test_an_empty_table_keeps_its_heads() -> None:
    shown = html(table())
    assert ">idle_left_s</th>" in shown
