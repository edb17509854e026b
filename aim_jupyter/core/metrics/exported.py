"""Everything that an engine exports, under its own names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from aim_jupyter.core.records import Exported


def exported(text: str, server: str) -> list[Exported]:
    """Return every series of an engine's ``/metrics`` text; the times of creation are left out.

    Raises
    ------
    ValueError
        If the text is not in the Prometheus format.
    """
    return [
        Exported(
            server=server,
            metric=sample.name,
            kind=family.type,
            labels=",".join(f'{name}="{value}"' for name, value in sample.labels.items()),
            value=sample.value,
        )
        for family in families(text)
        for sample in family.samples
        if not math.isnan(sample.value)
    ]


def families(text: str) -> Iterator[Any]:
    """Yield the families of `prometheus_client`, without those that hold times of creation.

    The client library writes a ``_created`` series for each counter and histogram: a moment, no
    figure of what the engine does.
    """
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - 10 ms

    for family in text_string_to_metric_families(text):
        if not family.name.endswith("_created"):
            yield family
