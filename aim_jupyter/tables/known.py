"""The models of a picker as rows, with the units of all tables; a table of them there is none."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from aim_jupyter.core.records.known import KnownModel
from aim_jupyter.tables.columns import gib


def row(one: KnownModel) -> dict[str, Any]:
    """Return what a picker is told of one model.

    Examples
    --------
    >>> found = row(KnownModel(model="a/b", standing="running", weights_bytes=3 << 30, gpus=(4, 5)))
    >>> found["weights_gib"], found["gpus"], found["verdict"]
    (3.0, '4,5', None)
    """
    plain = asdict(one)
    weights = plain.pop("weights_bytes")
    gpus = ",".join(map(str, one.gpus)) or None
    return {**plain, "does": list(one.does), "weights_gib": gib(weights), "gpus": gpus}
