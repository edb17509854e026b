"""Rows to DataFrames. The only module that knows pandas, and only once a table is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aim_jupyter import columns
from aim_jupyter.columns import Row, Verb

if TYPE_CHECKING:
    import pandas as pd


def frame(verb: Verb, rows: Iterable[Row]) -> pd.DataFrame:
    """Return the DataFrame that a verb hands out.

    Parameters
    ----------
    verb : str
        Whose columns and index: `aim_jupyter.columns` has the contract.
    rows : iterable of dict
        As made by that module; none at all still gives every column.

    Returns
    -------
    pandas.DataFrame
        With nullable types; what is missing is ``<NA>``.

    Examples
    --------
    >>> frame("gpus", []).columns[0]
    'gpu'
    """
    return _frame(list(rows), columns.COLUMNS[verb], columns.INDEX[verb])


def history(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the metrics of one server over time, indexed by ``at``.

    Examples
    --------
    >>> history([]).index.name
    'at'
    """
    return _frame(list(rows), columns.COLUMNS["metrics"], "at")


def _frame(rows: list[Row], names: tuple[str, ...], index: str | None) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415  (half a second that only tables may cost)

    def series(name: str) -> pd.Series[Any]:
        values = [row[name] for row in rows]
        return pd.Series(values, dtype=columns.dtype(name))

    table = pd.DataFrame({name: series(name) for name in names})
    if index is not None:
        table.index = pd.Index(series(index), name=index)
    return table
