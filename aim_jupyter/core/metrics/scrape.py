"""One scrape of an engine's metrics, under our own names.

Parsed by the official Prometheus client; which series feeds which of our names is data
(``names.toml``), so that another engine or version is a line there.
"""

from __future__ import annotations

import functools
import tomllib
from collections import defaultdict
from pathlib import Path

from msgspec import Struct

#: Reasons of a finished request that a user would call a failure.
FAILED = frozenset({"error", "abort"})


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


def read(text: str, at: float) -> Scrape:
    """Return the figures that an engine's ``/metrics`` text holds.

    Raises
    ------
    ValueError
        If the text is not in the Prometheus format.
    """
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - 10 ms

    wanted = _names()
    values: dict[str, list[float]] = defaultdict(list)
    parts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            kind, ours = wanted.get(_stem(sample.name), ("", ""))
            if kind == "histogram":
                parts[ours][_part(sample.name, sample.labels)] += sample.value
            elif ours and sample.name in wanted:
                values[ours].append(sample.value)
                if ours == "finished" and sample.labels.get("finished_reason") in FAILED:
                    values["failed"].append(sample.value)
    if "finished" in values:
        values.setdefault("failed", [])
    return Scrape(
        at=at,
        values={ours: _joined(ours, found) for ours, found in values.items()},
        histograms={ours: _histogram(found) for ours, found in parts.items()},
    )


def _histogram(found: dict[str, float]) -> Histogram:
    buckets = {key: value for key, value in found.items() if key not in ("sum", "count")}
    return Histogram(total=found.get("sum", 0.0), count=found.get("count", 0.0), buckets=buckets)


def _part(name: str, labels: dict[str, str]) -> str:
    if name.endswith("_bucket"):
        return labels["le"]
    return "sum" if name.endswith("_sum") else "count"


def _stem(name: str) -> str:
    for ending in ("_bucket", "_sum", "_count"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _joined(ours: str, found: list[float]) -> float:
    if ours in _table()["share"]:
        return sum(found) / len(found)
    return sum(found)


@functools.cache
def _table() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("names.toml").read_text())


@functools.cache
def _names() -> dict[str, tuple[str, str]]:
    """Return the engines' names with the kind and our name of each."""
    return {
        theirs: (kind, ours)
        for kind, rows in _table().items()
        for ours, names in rows.items()
        for theirs in names
    }
