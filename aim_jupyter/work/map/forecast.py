"""How long the rest takes: from how long rows take, and how many are under way at once."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

#: Seconds that rates look back, and rows whose times are kept.
WINDOW_S, KEPT = 60.0, 500
#: Times as many requests at once as when a rate was taken, from which on it holds no more.
FASTER = 1.2
#: Times as long as a row takes that a rate has to be measured, before it says more than the rows.
SETTLED = 10.0
#: Standard errors to each side of the middle.
_ERRORS = 2.0


class Forecast:
    """Counts of a run over time, second by second, and how long its rows take.

    What ended first is short: a rate that was measured while the first long rows were still under
    way promises too much. So until it was measured for long, rows under way count with their age:
    by the product-limit estimate (Kaplan and Meier, 1958) of how long a row takes, and Little's law
    of how many then end a second.

    Examples
    --------
    >>> forecast = Forecast()
    >>> for second in range(61):
    ...     forecast.note(float(second), 8, rows=5 * second, tokens_in=0, tokens_out=0)
    ...     forecast.took([1.6] * 5)
    >>> forecast.left(100, [0.8] * 8)
    (20.0, 21.6)
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int, int]] = deque()
        self._took: deque[float] = deque(maxlen=KEPT)
        self._at_once = 1
        #: Since when it goes as fast as now, and the seconds that all rows together took since.
        self._steady_at: float | None = None
        self._spent = 0.0

    def note(self, at: float, at_once: int, *, rows: int, tokens_in: int, tokens_out: int) -> None:
        """Take note of how much there was at a time, in seconds, and how many are asked at once."""
        if self._seen and at - self._seen[-1][0] < 1.0 and len(self._seen) > 1:
            self._seen.pop()
        self._seen.append((at, rows, tokens_in, tokens_out))
        while self._seen[-1][0] - self._seen[0][0] > WINDOW_S and len(self._seen) > 2:  # noqa: PLR2004
            self._seen.popleft()
        if at_once >= FASTER * self._at_once:
            # While more and more is asked at once, what was before says nothing of what comes.
            self._at_once = at_once
            self._took.clear()
            self._steady_at = None
            while len(self._seen) > 1:
                self._seen.popleft()

    def took(self, seconds: Sequence[float]) -> None:
        """Take note of how long rows took that have ended."""
        self._took.extend(seconds)
        self._spent += math.fsum(seconds)

    def rates(self) -> tuple[float, float, float] | None:
        """Return rows, tokens in and tokens out a second over the window; None before any row."""
        if not self._seen:
            return None
        first, last = self._seen[0], self._seen[-1]
        seconds = last[0] - first[0]
        if seconds <= 0 or last[1] == first[1]:
            return None
        rows, tokens_in, tokens_out = (
            (new - old) / seconds for new, old in zip(last[1:], first[1:], strict=True)
        )
        return rows, tokens_in, tokens_out

    def left(self, rows: int, ages: Sequence[float]) -> tuple[float, float] | None:
        """Return the least and the most seconds that so many rows take, None before one can say.

        Parameters
        ----------
        rows : int
            That have not ended, those under way included.
        ages : sequence of float
            How long each that is under way has been so, in seconds.
        """
        now = self._seen[-1][0] if self._seen else 0.0
        if self._steady_at is None:
            self._steady_at, self._spent = now, -math.fsum(ages)
        rates = self.rates()
        if rates is None or not self._took or not ages:
            return None
        mean, longest = _mean(self._took, ages)
        measured = now - self._seen[0][0] >= SETTLED * mean
        steady = now - self._steady_at
        # Not as many as there are just now: rows that are alike end together.
        under_way = (self._spent + math.fsum(ages)) / steady if steady else len(ages)
        rate = rates[0] if measured or under_way <= 0 else under_way / mean
        error = min(0.5, _ERRORS * _spread(self._took) / math.sqrt(len(self._took)))
        # What is asked last is still under way when nothing is left to ask.
        return round(rows / rate * (1 - error), 3), round(rows / rate * (1 + error) + longest, 3)


def _mean(took: Iterable[float], ages: Iterable[float]) -> tuple[float, float]:
    """Return how long a row takes on average, and the longest that one took so far."""
    seen = sorted([(each, 0) for each in took] + [(each, 1) for each in ages])
    share, mean, last = 1.0, 0.0, 0.0
    for position, (seconds, under_way) in enumerate(seen):
        mean += share * (seconds - last)
        last = seconds
        if not under_way:
            share *= 1 - 1 / (len(seen) - position)
    return mean + share * last, last


def _spread(took: Sequence[float]) -> float:
    """Return the standard deviation over the mean."""
    mean = math.fsum(took) / len(took)
    return math.sqrt(math.fsum((each - mean) ** 2 for each in took) / len(took)) / (mean or 1.0)
