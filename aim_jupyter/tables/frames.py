"""Rows to DataFrames. The only module that knows pandas, and only once a table is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aim_jupyter.core.sizes import GIB
from aim_jupyter.tables import columns, types
from aim_jupyter.tables.columns import Row, Verb

if TYPE_CHECKING:
    import pandas as pd

    from aim_jupyter.core.metrics import Columns
    from aim_jupyter.core.records import Sample


def frame(verb: Verb, rows: Iterable[Row]) -> pd.DataFrame:
    """Return the DataFrame that a verb hands out.

    Parameters
    ----------
    verb : str
        Whose columns and index: `aim_jupyter.tables.columns` has the contract.
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
    return _frame(list(rows), columns.COLUMNS[verb], columns.INDEX[verb], verb)


def history(rows: Iterable[Row]) -> pd.DataFrame:
    """Return the metrics of one server over time, indexed by ``at``.

    Examples
    --------
    >>> history([]).index.name
    'at'
    """
    return _frame(list(rows), columns.COLUMNS["metrics"], "at")


def timeline(past: Columns | list[Sample]) -> pd.DataFrame:
    """Return the same of what the core gives: of columns, a day in a fraction of the time.

    Examples
    --------
    >>> from aim_jupyter.core.metrics import Columns
    >>> timeline(Columns((0.0, 1.0), {"memory_bytes": (2.0**30, float("nan"))})).memory_gib.tolist()
    [1.0, <NA>]
    """
    if isinstance(past, list):
        return history(map(columns.sample_row, past))
    import numpy as np  # noqa: PLC0415 - comes with pandas
    import pandas as pd  # noqa: PLC0415

    unknown = np.full(len(past.at), np.nan)

    def series(name: str) -> pd.arrays.IntegerArray | pd.arrays.FloatingArray:
        field = f"{name.removesuffix('gib')}bytes" if name.endswith("_gib") else name
        values = np.array(past.fields.get(field, unknown), dtype=float)
        missing = ~np.isfinite(values)
        values[missing] = 0.0
        if types.dtype(name) == "Int64":
            return pd.arrays.IntegerArray(values.round().astype("int64"), missing)
        values /= GIB if name.endswith("_gib") else 1
        rounded = values.round(1)
        return pd.arrays.FloatingArray(np.where(rounded == 0, values.round(3), rounded), missing)

    at = pd.to_datetime(np.round(np.array(past.at) * 1e6), unit="us", utc=True)
    names = columns.COLUMNS["metrics"]
    index = pd.DatetimeIndex(at.as_unit("us"), name="at")
    return pd.DataFrame({name: series(name) for name in names}, index=index)


def _frame(
    rows: list[Row], names: tuple[str, ...], index: str | None, verb: Verb | None = None
) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415  (half a second that only tables may cost)

    def series(name: str) -> pd.Series[Any]:
        values = [columns.shown(name, row[name]) for row in rows]
        return pd.Series(values, dtype=types.dtype(name, verb))

    table = pd.DataFrame({name: series(name) for name in names})
    if index is not None:
        table.index = pd.Index(series(index), name=index)
    return table
