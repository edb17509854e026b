"""Which level to measure next, and which one is the best: decided from what was measured alone.

Without a wish for times the best level is the knee: up to it, twice as many requests at once bring
more than they make each wait; past it, waiting grows faster than tokens a second. That is where
throughput over latency is highest (Kleinrock's power). In a closed loop the latency is requests at
once over requests a second, so that the square of the throughput over the requests at once tells
it, and a level that is measured beyond does not move the knee, as it moves the point farthest above
a chord.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from aim_jupyter.work.records import Level, Workload

#: A knee is known to a fifth, the last level within a limit to a tenth: more is noise.
KNEE, LIMIT = 1.2, 1.1
#: Below so much of the best one's power the doubling has passed the knee, whatever the noise.
_PAST = 0.8
#: Twice the requests that bring less than this bring nothing more.
_GROWTH = 1.05


def following(levels: Sequence[Level], workload: Workload, most: int) -> int | None:
    """Return how many requests at once to measure next, None where the best level is known.

    Parameters
    ----------
    levels : sequence of Level
        Measured so far, in any order.
    most : int
        No more requests at once than so many.
    """
    known = sorted(levels, key=lambda level: level.at_once)
    if not known:
        return 1
    if workload.limited:
        return _to_the_limit(known, workload, most)
    best = max(known, key=power)
    if power(known[-1]) >= _PAST * power(best) and known[-1].at_once < most:
        return min(2 * known[-1].at_once, most)
    place = known.index(best)
    near = [level.at_once for level in known[max(0, place - 1) : place + 2]]
    gaps = list(itertools.pairwise(near))
    # The wider gap first: its middle says more.
    gaps.sort(key=lambda gap: gap[0] / gap[1])
    return next(filter(None, (_between(low, high, KNEE) for low, high in gaps)), None)


def best(levels: Sequence[Level], workload: Workload) -> Level | None:
    """Return the level to work at: the knee, or the quickest that keeps what is wanted."""
    answered = [level for level in levels if level.requests]
    if not workload.limited:
        return max(answered, key=power, default=None)
    broken = [level.at_once for level in levels if not within(level, workload)]
    # What lies beyond a level that breaks a limit has kept it by luck.
    kept = [level for level in answered if level.at_once < min(broken, default=level.at_once + 1)]
    return max(kept, key=lambda level: level.gen_tok_s, default=None)


def power(level: Level) -> float:
    """Return the throughput of a level over its latency, but for a constant."""
    return level.gen_tok_s**2 / level.at_once


def within(level: Level, workload: Workload) -> bool:
    """Whether a level keeps what is wanted: both 95th percentiles, and no request failed."""
    limits = ((workload.ttft_ms, level.ttft.p95), (workload.itl_ms, level.itl.p95))
    return not level.failed and all(
        limit is None or (took is not None and took <= limit) for limit, took in limits
    )


def _to_the_limit(known: Sequence[Level], workload: Workload, most: int) -> int | None:
    broken = min((one.at_once for one in known if not within(one, workload)), default=None)
    below = [one for one in known if broken is None or one.at_once < broken]
    if broken is not None:
        return _between(below[-1].at_once, broken, LIMIT) if below else None
    last = known[-1]
    half = next((one for one in known if 2 * one.at_once == last.at_once), None)
    grows = half is None or last.gen_tok_s > _GROWTH * half.gen_tok_s
    return min(2 * last.at_once, most) if grows and last.at_once < most else None


def _between(low: int, high: int, enough: float) -> int | None:
    """Return what lies between two levels, None where they are near enough to each other."""
    middle = round((low * high) ** 0.5)
    middle = min(max(middle, low + 1), high - 1)
    return middle if high / low > enough and low < middle < high else None
