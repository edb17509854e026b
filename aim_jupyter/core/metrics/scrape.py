"""One scrape of an engine's metrics, under our own names.

Parsed by the official Prometheus client; which series feeds which of our names is data
(``names.toml``), so that another engine or version is a line there.
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from msgspec import Struct

#: Reasons of a finished request that a user would call a failure.
FAILED = frozenset({"error", "abort"})
_REASON = "finished_reason"


class Histogram(Struct, frozen=True, kw_only=True):
    """A cumulative histogram in seconds: `buckets` maps upper bound to count below it."""

    total: float = 0.0
    count: float = 0.0
    buckets: dict[str, float] = {}


class Scrape(Struct, frozen=True, kw_only=True):
    """All figures of one moment; `at` is seconds since the epoch. What is absent is missing."""

    at: float
    values: dict[str, float] = {}
    histograms: dict[str, Histogram] = {}

    @property
    def busy(self) -> bool:
        """Whether a request runs or waits."""
        return self.values.get("running", 0.0) + self.values.get("waiting", 0.0) > 0

    @property
    def requests(self) -> float:
        """How many requests there were so far, on any route where the engine counts those."""
        return self.values.get("requests", self.values.get("finished", 0.0))


def read(text: str, at: float) -> Scrape:
    """Return the figures that an engine's ``/metrics`` text holds.

    Raises
    ------
    ValueError
        If the text is not in the Prometheus format.
    """
    rows = _rows(text)
    found = [
        (kind, ours, next((rows[name] for name in names if name in rows), None))
        for kind, table in _table().items()
        for ours, names in table.items()
    ]
    values = {ours: _joined(kind, s) for kind, ours, s in found if s and kind != "histogram"}
    if "finished" in values:
        finished = next(samples for _, ours, samples in found if ours == "finished" and samples)
        values["failed"] = sum(s.value for s in finished if s.labels.get(_REASON) in FAILED)
    histograms = {ours: _histogram(s) for kind, ours, s in found if s and kind == "histogram"}
    return Scrape(at=at, values=values, histograms=histograms)


def _rows(text: str) -> dict[str, list[Any]]:
    """Return the samples that say something, by name; those of a histogram by its stem."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - 10 ms

    stems = {name for names in _table()["histogram"].values() for name in names}
    rows: dict[str, list[Any]] = defaultdict(list)
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                stem, _, part = sample.name.rpartition("_")
                known = stem in stems and part in ("bucket", "sum", "count")
                if math.isfinite(sample.value):
                    rows[stem if known else sample.name].append(sample)
    except (LookupError, TypeError, AttributeError) as error:
        # The parser is written for text that is right.
        raise ValueError(f"no metrics: {error!r}") from error
    return rows


def _histogram(samples: list[Any]) -> Histogram:
    """Return the sum of the histograms of all engines."""
    parts = {"sum": 0.0, "count": 0.0}
    buckets: dict[str, float] = defaultdict(float)
    for sample in samples:
        part = sample.name.rpartition("_")[2]
        if part in parts:
            parts[part] += sample.value
        else:
            bound = sample.labels.get("le", "")
            if math.isnan(float(bound)):
                raise ValueError("no metrics: a bucket without a bound")
            buckets[bound] += sample.value
    return Histogram(total=parts["sum"], count=parts["count"], buckets=dict(buckets))


def _joined(kind: str, samples: list[Any]) -> float:
    total: float = sum(sample.value for sample in samples)
    return total / len(samples) if kind == "share" else total


@functools.cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("names.toml").read_text())
