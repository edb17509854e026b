"""One scrape of an engine's metrics, under our own names.

Parsed by the official Prometheus client; which series feeds which of our names is data of the
engine's adapter (`adapters.Metrics`), so that another version is a line there.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from aim_jupyter.core.adapters import Metrics, measures
from aim_jupyter.core.adapters.measures import Names, Reason

#: When the engine was started, in seconds since the machine's boot: another one counts from 0.
STARTED = "engine_started_s"
#: Under these names a `Scrape` also holds what the machine says of the server: CPU time of all its
#: processes, their memory, its GPUs' sensors, what is free on the disk of the model cache, how
#: long no request has been seen, and which engine it is.
RESOURCES = (
    *("cpu_s", "memory_bytes", "vram_used_bytes", "busy_pct", "power_w", "temp_c"),
    *("disk_free_bytes", "idle_s", STARTED),
)

_PARTS = ("bucket", "sum", "count")


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
    def measured(self) -> bool:
        """Whether the engine said anything; its counters are unknown else, not 0."""
        return bool(self.histograms) or any(name not in RESOURCES for name in self.values)

    @property
    def busy(self) -> bool:
        """Whether a request runs or waits."""
        return self.values.get("running", 0.0) + self.values.get("waiting", 0.0) > 0

    @property
    def requests(self) -> float:
        """How many requests there were so far, on any route where the engine counts those."""
        return self.values.get("requests", self.values.get("finished", 0.0))


def names() -> tuple[str, ...]:
    """Return all names that the values of a `Scrape` can have."""
    reasons = [f"finished_{word}" for word in measures.REASONS]
    engine = (*measures.GAUGES, *measures.SHARES, *measures.COUNTERS)
    return (*engine, *reasons, "failed", *RESOURCES)


def read(text: str, at: float, theirs: Metrics) -> Scrape:
    """Return the figures that an engine's ``/metrics`` text holds.

    Parameters
    ----------
    theirs : Metrics
        What that engine calls them.

    Raises
    ------
    ValueError
        If the text is not in the Prometheus format.
    """
    rows = _rows(text, theirs)
    kinds = {"gauge": theirs.gauge, "share": theirs.share, "counter": theirs.counter}
    values = {
        ours: _joined(kind, samples)
        for kind, wanted in kinds.items()
        for ours, samples in _first_of_each(wanted, rows).items()
    }
    finished = _first_of_each(theirs.counter, rows).get("finished")
    values |= _ended(finished, values.get("aborted"), theirs.reason)
    histograms = {
        ours: _histogram(samples)
        for ours, samples in _first_of_each(theirs.histogram, rows).items()
    }
    return Scrape(at=at, values=values, histograms=histograms)


def _first_of_each(wanted: Names, rows: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return the samples of the first name of each figure that a scrape holds."""
    found = {
        ours: next((rows[name] for name in theirs if name in rows), [])
        for ours, theirs in wanted.items()
    }
    return {ours: samples for ours, samples in found.items() if samples}


def _ended(
    finished: list[Any] | None, aborted: float | None, reason: Reason | None
) -> dict[str, float]:
    """Return the ended requests by reason; failed are those that a user would call so."""
    if not finished:
        return {}
    ended: dict[str, float] = defaultdict(float)
    for sample in finished if reason else ():
        if reason and (word := reason.words.get(sample.labels.get(reason.label, ""))):
            ended[f"finished_{word}"] += sample.value
    if aborted is not None:
        ended["finished_aborted"] = aborted
    failed = ended.get("finished_aborted", 0.0) + ended.get("finished_error", 0.0)
    return {**ended, "failed": failed}


def _rows(text: str, theirs: Metrics) -> dict[str, list[Any]]:
    """Return the samples that say something, by name; those of a histogram by its stem."""
    stems = set(_all(theirs.histogram))
    rows: dict[str, list[Any]] = defaultdict(list)
    for sample in _samples(list(_ours(text.split("\n"), _prefixes(theirs)))):
        stem, _, part = sample.name.rpartition("_")
        known = stem in stems and part in _PARTS
        again = any(sample.labels.get(label, word) != word for label, word in theirs.only.items())
        if math.isfinite(sample.value) and not again:
            rows[stem if known else sample.name].append(sample)
    return rows


#: What the lines of the last scrape say. Most are the same a second later: most buckets of a busy
#: engine, and all of an idle one.
_said: dict[str, Any] = {}


def _samples(lines: list[str]) -> list[Any]:
    """Return what each line says, parsing only those that the last scrape did not have."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - 10 ms

    global _said  # noqa: PLW0603 - replaced as a whole, so that threads see one or the other
    said = _said
    fresh = [line for line in dict.fromkeys(lines) if line not in said]
    try:
        families = text_string_to_metric_families("\n".join(fresh) + "\n")
        parsed = [sample for family in families for sample in family.samples]
        known = said | dict(zip(fresh, parsed, strict=True))
    except (LookupError, TypeError, AttributeError) as error:
        # The parser is written for text that is right.
        raise ValueError(f"no metrics: {error!r}") from error
    _said = {line: known[line] for line in lines}
    return [known[line] for line in lines]


def _ours(lines: Iterable[str], prefixes: tuple[str, ...]) -> Iterable[str]:
    """Yield the lines that we have a name for, and the first one: it tells whether it is metrics.

    An engine exports five times as much, and parsing is what a sample costs.
    """
    said = (line for line in lines if line and line[0] != "#" and not line.isspace())
    for number, line in enumerate(said):
        if number == 0 or line.startswith(prefixes):
            yield line


@functools.cache
def _prefixes(theirs: Metrics) -> tuple[str, ...]:
    """Return what the lines that we have a name for begin with."""
    values = [
        name for names in (theirs.gauge, theirs.share, theirs.counter) for name in _all(names)
    ]
    parts = [f"{stem}_{part}" for stem in _all(theirs.histogram) for part in _PARTS]
    return tuple(name + end for name in {*values, *parts} for end in ("{", " "))


def _all(names: Names) -> Iterable[str]:
    return (name for alternatives in names.values() for name in alternatives)


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
