"""What a server did, day by day: sums over its history, which reaches back 31 days."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from aim_jupyter.core.metrics.history import Columns
from aim_jupyter.core.records.sample import Usage


def daily(past: Columns, *, server: str, model: str, gpus: int) -> list[Usage]:
    """Return the sums of each day (UTC), oldest first.

    Each record of a history says what came since the one before: rates times their window. What
    lies in no window, as the time in which a server was not measured, is in no sum.

    Parameters
    ----------
    gpus : int
        That the server holds.
    """
    days: dict[str, list[int]] = defaultdict(list)
    for place, at in enumerate(past.at):
        days[datetime.fromtimestamp(at, UTC).date().isoformat()].append(place)
    windows = _known(past, "window_s")
    requests = list(_grown(_known(past, "req_done")))
    watts = _known(past, "power_w")
    rates = {name: _known(past, name) for name in ("prompt_tok_s", "gen_tok_s")}

    def total(values: Sequence[float | None], places: Sequence[int]) -> float | None:
        parts = [
            value * window
            for place in places
            if (value := values[place]) is not None and (window := windows[place]) is not None
        ]
        return sum(parts) if parts else None

    def whole(value: float | None) -> int | None:
        return None if value is None else round(value)

    found = []
    for day, places in days.items():
        served = sum(window for place in places if (window := windows[place]) is not None)
        energy = total(watts, places)
        found.append(
            Usage(
                day=day,
                server=server,
                model=model,
                requests=round(sum(requests[place] for place in places)),
                tokens_in=whole(total(rates["prompt_tok_s"], places)),
                tokens_out=whole(total(rates["gen_tok_s"], places)),
                served_s=served,
                gpu_hours=gpus * served / 3600 if gpus else None,
                energy_wh=None if energy is None else energy / 3600,
            )
        )
    return found


def _known(past: Columns, name: str) -> list[float | None]:
    values = past.fields.get(name) or [math.nan] * len(past.at)
    return [value if math.isfinite(value) else None for value in values]


def _grown(counts: Sequence[float | None]) -> Iterator[float]:
    """Yield by how much a counter grew to each moment; one that fell has begun anew."""
    last: float | None = None
    for count in counts:
        if count is None:
            yield 0.0
            continue
        yield 0.0 if last is None else count - last if count >= last else count
        last = count
