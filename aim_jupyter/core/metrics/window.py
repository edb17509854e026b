"""The figures of a window: what happened between two scrapes.

Rates are differences over time. Where the engine was started anew between, the window's beginning
is moved (`continued`), so that nothing of either engine is lost or counted twice; a counter that
went down for any other reason counts from 0.

A quantile is read from the differences of the cumulative buckets, linear inside its bucket as in
Prometheus' ``histogram_quantile``. In the lowest bucket the linear reading is an artefact
(facts/vllm.md 3.2: p50 of 4.2 ms shown where the true mean was 1.7 ms), so there the mean of the
window is given where it is smaller, and cards show only the bucket's bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aim_jupyter.core.metrics.scrape import STARTED, Histogram, Scrape
from aim_jupyter.core.records import Sample

#: The latencies, by the names of their histograms.
LATENCIES = ("ttft", "itl", "e2e")
#: The fields of a `Sample` that are read off one scrape as they are: our name of each, and a
#: factor that makes it of the field's unit.
GAUGES: Mapping[str, tuple[str, float]] = {
    "kv_used_pct": ("kv_used", 100.0),
    "busy_pct": ("busy_pct", 1.0),
    "power_w": ("power_w", 1.0),
    "temp_c": ("temp_c", 1.0),
    "idle_s": ("idle_s", 1.0),
}
#: The same for whole numbers.
COUNTS: Mapping[str, str] = {
    "req_running": "running",
    "req_waiting": "waiting",
    "req_done": "finished",
    "req_failed": "failed",
    "req_stopped": "finished_stopped",
    "req_length": "finished_length",
    "req_aborted": "finished_aborted",
    "req_error": "finished_error",
    "preempted": "preempted",
    "vram_used_bytes": "vram_used_bytes",
    "memory_bytes": "memory_bytes",
    "disk_free_bytes": "disk_free_bytes",
}
#: The fields that only a window has.
WINDOWED = (
    *("window_s", "gen_tok_s", "prompt_tok_s", "prefix_hit_pct", "cpu_pct"),
    *(f"{name}_{part}_ms" for name in LATENCIES for part in ("p50", "p95", "mean")),
)


def between(earlier: Scrape | None, later: Scrape) -> Sample:
    """Return the activity between two scrapes; without an earlier one only what is true now."""
    values = later.values
    fields: dict[str, Any] = {
        field: values[name] * factor for field, (name, factor) in GAUGES.items() if name in values
    }
    fields |= {field: int(values[name]) for field, name in COUNTS.items() if name in values}
    return Sample(
        at=later.at, bounds_ms=_bounds(later), **fields, **dict[str, Any](windowed(earlier, later))
    )


def restarted(earlier: Scrape, later: Scrape) -> bool:
    """Whether another engine answered later, as far as the machine has noted which one it was."""
    before, after = (each.values.get(STARTED) for each in (earlier, later))
    return None not in (before, after) and before != after


def continued(opening: Scrape, last: Scrape) -> Scrape:
    """Return an opening from which the counters of a new engine have risen by what both counted.

    Parameters
    ----------
    opening : Scrape
        Where the window begins.
    last : Scrape
        The last one that the old engine answered.
    """
    empty = Histogram()
    histograms = {
        name: _less(opening.histograms.get(name, empty), each)
        for name, each in last.histograms.items()
    }
    values = {name: opening.values.get(name, 0.0) - value for name, value in last.values.items()}
    return Scrape(at=opening.at, values=values, histograms=histograms)


def _less(one: Histogram, other: Histogram) -> Histogram:
    return Histogram(
        total=one.total - other.total,
        count=one.count - other.count,
        buckets={
            bound: one.buckets.get(bound, 0.0) - count for bound, count in other.buckets.items()
        },
    )


def windowed(earlier: Scrape | None, later: Scrape) -> dict[str, float | None]:
    """Return the fields of `WINDOWED`; none of them without an earlier scrape."""
    seconds = later.at - earlier.at if earlier else 0.0
    if earlier is None or seconds <= 0:
        return {}
    hits, asked = (_grown(name, earlier, later) for name in ("prefix_hits", "prefix_queries"))
    busy = _rate("cpu_s", earlier, later, seconds)
    return {
        "window_s": seconds,
        "gen_tok_s": _rate("generation_tokens", earlier, later, seconds),
        "prompt_tok_s": _rate("prompt_tokens", earlier, later, seconds),
        "prefix_hit_pct": 100 * hits / asked if hits is not None and asked else None,
        "cpu_pct": None if busy is None else 100 * busy,
        **_latencies(earlier, later),
    }


def _rate(name: str, earlier: Scrape, later: Scrape, seconds: float) -> float | None:
    grown = _grown(name, earlier, later)
    return None if grown is None else grown / seconds


def _grown(name: str, earlier: Scrape, later: Scrape) -> float | None:
    """Return by how much a counter grew; None where it is not known at both ends.

    A counter of the engine that is not there at first counts from 0: some appear with the first
    request only. One that the machine counts is absent because it could not be read.
    """
    if name not in later.values or (name == "cpu_s" and name not in earlier.values):
        return None
    return _difference(earlier.values.get(name, 0.0), later.values[name])


def _difference(before: float, after: float) -> float:
    return after - before if after >= before else after


def _latencies(earlier: Scrape, later: Scrape) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in LATENCIES:
        after, before = later.histograms.get(name), earlier.histograms.get(name)
        if after is None or (before is not None and after.count == before.count):
            continue
        grown = _histogram_grown(before, after)
        figures = {"p50": quantile(grown, 0.5), "p95": quantile(grown, 0.95), "mean": _mean(grown)}
        found |= {
            f"{name}_{part}_ms": None if seconds is None else 1000 * seconds
            for part, seconds in figures.items()
        }
    return found


def _mean(histogram: Histogram) -> float | None:
    return histogram.total / histogram.count if histogram.count > 0 else None


def _bounds(scrape: Scrape) -> dict[str, tuple[float, float]]:
    """Return the lowest and the highest finite bound of each latency, in milliseconds."""
    bounds = {
        name: sorted(filter(math.isfinite, map(float, histogram.buckets)))
        for name, histogram in scrape.histograms.items()
    }
    return {name: (1000 * each[0], 1000 * each[-1]) for name, each in bounds.items() if each}


def _histogram_grown(before: Histogram | None, after: Histogram) -> Histogram:
    if before is None or after.count < before.count:
        return after
    return Histogram(
        total=after.total - before.total,
        count=after.count - before.count,
        buckets={
            bound: _difference(before.buckets.get(bound, 0.0), count)
            for bound, count in after.buckets.items()
        },
    )


def quantile(histogram: Histogram, share: float) -> float | None:
    """Return the quantile `share` of a histogram in its own unit, None where it is empty.

    In the last, open bucket the answer is that bucket's lower bound: at least so much.
    """
    bounds = sorted((float(bound), count) for bound, count in histogram.buckets.items())
    # Counted by its widest bucket: a scrape in the middle of an update may disagree with `count`.
    everything = bounds[-1][1] if bounds else 0.0
    if everything <= 0 or math.isinf(bounds[0][0]):
        return None
    wanted = share * everything
    low, below = 0.0, 0.0
    for position, (high, count) in enumerate(bounds):
        if count >= wanted:
            if math.isinf(high):
                return low
            inside = low + (high - low) * (wanted - below) / ((count - below) or 1.0)
            mean = histogram.total / everything
            return min(inside, mean) if position == 0 and mean > 0 else inside
        low, below = high, count
    return low
