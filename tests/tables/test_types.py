"""The types of columns."""

from __future__ import annotations

from aim_jupyter.tables import types
from aim_jupyter.tables.columns import COLUMNS


def test_a_unit_decides_the_type() -> None:
    for name in {name for names in COLUMNS.values() for name in names}:
        kind = types.dtype(name)
        if name.endswith(("_gib", "_ms", "_tok_s")):
            assert kind == "Float64", name
        elif name.endswith("_at"):
            assert kind.startswith("datetime64"), name
        elif name.endswith(("_s", "_pct", "_w", "_c", "_tokens")):
            assert kind in ("Int64", "Float64"), name
