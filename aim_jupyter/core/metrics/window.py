"""The figures of a window: what happened between two scrapes.

Rates are differences over time; a counter that went down was reset by a restart, and then counts
from 0. A quantile is read from the differences of the cumulative buckets, linear inside its bucket
as in Prometheus' ``histogram_quantile``. In the lowest bucket the linear reading is an artefact
(facts/vllm.md 3.2: p50 of 4.2 ms shown where the true mean was 1.7 ms), so there the mean of the
window is given where it is smaller.
"""

from __future__ import annotations

import math

from msgspec.structs import replace

from aim_jupyter.core.metrics.scrape import Histogram, Scrape
from aim_jupyter.core.records import Sample


def between(earlier: Scrape | None, later: Scrape, idle_s: float | None = None) -> Sample:
    """Return the activity between two scrapes; without an earlier one only what is true now.

    Parameters
    ----------
    idle_s : float or None
        Seconds since the last request, which only the supervisor knows.
    """
    now = _now(later, idle_s)
    seconds = later.at - earlier.at if earlier else 0.0
    if earlier is None or seconds <= 0:
        return now
    hits, asked = (_grown(name, earlier, later) for name in ("prefix_hits", "prefix_queries"))
    return replace(
        now,
        window_s=seconds,
        gen_tok_s=_rate("generation_tokens", earlier, later, seconds),
        prompt_tok_s=_rate("prompt_tokens", earlier, later, seconds),
        prefix_hit_pct=100 * hits / asked if hits is not None and asked else None,
        **_quantiles(earlier, later),
    )


def _now(scrape: Scrape, idle_s: float | None) -> Sample:
    values = scrape.values
    kv_used = values.get("kv_used")
    return Sample(
        at=scrape.at,
        idle_s=idle_s,
        req_running=_whole(values.get("running")),
        req_waiting=_whole(values.get("waiting")),
        kv_used_pct=None if kv_used is None else 100 * kv_used,
        req_done=_whole(values.get("finished")),
        req_failed=_whole(values.get("failed")),
        preempted=_whole(values.get("preempted")),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _rate(name: str, earlier: Scrape, later: Scrape, seconds: float) -> float | None:
    grown = _grown(name, earlier, later)
    return None if grown is None else grown / seconds


def _grown(name: str, earlier: Scrape, later: Scrape) -> float | None:
    if name not in later.values:
        return None
    return _difference(earlier.values.get(name, 0.0), later.values[name])


def _difference(before: float, after: float) -> float:
    return after - before if after >= before else after


def _quantiles(earlier: Scrape, later: Scrape) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in ("ttft", "itl", "e2e"):
        histogram = later.histograms.get(name)
        grown = _histogram_grown(earlier.histograms.get(name), histogram) if histogram else None
        for share, label in ((0.5, "p50"), (0.95, "p95")):
            seconds = quantile(grown, share) if grown else None
            found[f"{name}_{label}_ms"] = None if seconds is None else 1000 * seconds
    return found


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
