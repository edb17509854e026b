"""How long the rest takes, from what the last minute brought."""

from __future__ import annotations

from collections import deque

#: Seconds that rates look back, and of each of the pieces that the band is taken from.
WINDOW_S, PIECE_S = 60.0, 10.0


class Forecast:
    """Counts of a run over time, second by second.

    Examples
    --------
    >>> forecast = Forecast()
    >>> for second in range(61):
    ...     forecast.note(float(second), rows=5 * second, tokens_in=0, tokens_out=0)
    >>> forecast.left(100)
    (20.0, 20.0)
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int, int]] = deque()

    def note(self, at: float, *, rows: int, tokens_in: int, tokens_out: int) -> None:
        """Take note of how much there was at a time, in seconds."""
        if self._seen and at - self._seen[-1][0] < 1.0 and len(self._seen) > 1:
            self._seen.pop()
        self._seen.append((at, rows, tokens_in, tokens_out))
        while self._seen[-1][0] - self._seen[0][0] > WINDOW_S and len(self._seen) > 2:  # noqa: PLR2004
            self._seen.popleft()

    def restart(self) -> None:
        """Look back no further than now: from here on it goes at another speed."""
        while len(self._seen) > 1:
            self._seen.popleft()

    def rates(self) -> tuple[float, float, float] | None:
        """Return rows, tokens in and tokens out a second over the window; None before a piece."""
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

    def left(self, rows: int) -> tuple[float, float] | None:
        """Return the least and the most seconds that so many rows take, None before one can say.

        Least and most are what the better and the worse half of the pieces say: a single piece
        says more of where an engine's steps end than of its speed.
        """
        rates = self.rates()
        if rates is None:
            return None
        pieces = sorted(self._pieces())
        middle = rates[0]
        half = (len(pieces) + 1) // 2
        slow = sum(pieces[:half]) / half if len(pieces) > 1 else middle
        fast = sum(pieces[-half:]) / half if len(pieces) > 1 else middle
        return rows / max(fast, middle), rows / (min(slow, middle) or middle)

    def _pieces(self) -> list[float]:
        pieces, began = [], self._seen[0]
        for seen in self._seen:
            if seen[0] - began[0] >= PIECE_S:
                pieces.append((seen[1] - began[1]) / (seen[0] - began[0]))
                began = seen
        return pieces
