"""The past of one server: each second of the last hour, then coarser, in a bounded store.

Three ring files, one for each step of time (`TIERS`). A record holds one scrape as it was, counters
and buckets included, so that the figures of any window can be had later; and beside it the figures
of the window since the record before, so that a day is read without calculating anything.

What a record holds is in the file's header: the names of the figures, and the bounds of each
histogram's buckets. Where an engine comes with others (a newer version after a restart; SGLang
exports a histogram once it has something to tell), the files are begun anew under the new header,
with what the old ones hold.
"""

from __future__ import annotations

import bisect
import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.metrics import ring, scrape
from aim_jupyter.core.metrics.ring import Ring
from aim_jupyter.core.metrics.scrape import Histogram, Scrape
from aim_jupyter.core.metrics.window import (
    COUNTS,
    GAUGES,
    WINDOWED,
    between,
    continued,
    restarted,
    windowed,
)
from aim_jupyter.core.records import Sample
from aim_jupyter.core.records.kinds import resolved


class Tier(NamedTuple):
    """One step of time: seconds from record to record, and how many are kept."""

    step_s: float
    records: int


#: The last hour, 25 hours, 31 days. With vLLM's buckets a record is 0.9 KiB: 3 + 8 + 8 MiB at most.
TIERS = (Tier(1.0, 3_600), Tier(10.0, 9_000), Tier(300.0, 8_928))
#: How many records back a moment is looked for at which the engine said something.
_SILENT = 60
#: Seconds by which a record may come early: the supervisor's ticks are not exact.
_EARLY_S = 0.1


class Layout(Struct, frozen=True, kw_only=True):
    """What a record holds after its time: windowed figures, values, and histograms.

    Attributes
    ----------
    windowed, values : tuple of str
        The names of the figures, in order.
    bounds : dict
        Of each histogram the upper bounds of its buckets, in order. Before the buckets a record
        has the histogram's sum and count.
    """

    windowed: tuple[str, ...] = WINDOWED
    values: tuple[str, ...] = ()
    bounds: dict[str, tuple[str, ...]] = {}

    @property
    def width(self) -> int:
        """How many doubles a record has."""
        buckets = sum(2 + len(bounds) for bounds in self.bounds.values())
        return 1 + len(self.windowed) + len(self.values) + buckets

    def record(self, past: Scrape | None, now: Scrape) -> list[float]:
        """Return the record of `now`; its window begins at `past`."""
        figures = windowed(past, now)
        record = [now.at, *(_double(figures.get(name)) for name in self.windowed)]
        record += [_double(now.values.get(name)) for name in self.values]
        for name, bounds in self.bounds.items():
            histogram = now.histograms.get(name)
            if histogram is None:
                record += [math.nan] * (2 + len(bounds))
            else:
                counts = (_double(histogram.buckets.get(bound)) for bound in bounds)
                record += [histogram.total, histogram.count, *counts]
        return record

    def scrape(self, record: Sequence[float]) -> Scrape:
        """Return the scrape that a record was made of."""
        start = 1 + len(self.windowed)
        values = {
            name: value
            for name, value in zip(self.values, record[start:], strict=False)
            if math.isfinite(value)
        }
        start += len(self.values)
        histograms = {}
        for name, bounds in self.bounds.items():
            total, count, *counts = record[start : start + 2 + len(bounds)]
            start += 2 + len(bounds)
            if math.isfinite(count):
                buckets = {
                    bound: each
                    for bound, each in zip(bounds, counts, strict=True)
                    if math.isfinite(each)
                }
                histograms[name] = Histogram(total=total, count=count, buckets=buckets)
        return Scrape(at=record[0], values=values, histograms=histograms)


_LAYOUT = msgspec.json.Decoder(resolved(Layout))


class Columns(NamedTuple):
    """Figures over time, one sequence each, as the fields of a `Sample` are called.

    Attributes
    ----------
    at : sequence of float
        Seconds since the epoch, rising.
    fields : dict
        Of each field its values; NaN is what is not known.
    """

    at: Sequence[float]
    fields: dict[str, Sequence[float]]


class Recorder:
    """Writes the history of one server; one process does.

    Parameters
    ----------
    folder : Path
        The server's. What a supervisor before this one has written is gone on with.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at: dict[Tier, float] = {}
        # What a window begins at: the engine may have said nothing since.
        self._past: dict[Tier, Scrape] = {}
        for tier in TIERS:
            for each in _scrapes(path(folder, tier), _SILENT):
                self._note(tier, each)
        # The coarsest step reaches back so far; what was there before is in its record.
        since = _scrapes(path(folder, TIERS[0]), round(TIERS[-1].step_s / TIERS[0].step_s))
        restarts = _restarts([each for each in since if each.measured])
        self._past = {tier: _moved(each, restarts, math.inf) for tier, each in self._past.items()}
        self._last = self._past.get(TIERS[0])

    def add(self, now: Scrape) -> None:
        """Keep a scrape wherever it is due. A full disk loses it, and nothing else."""
        if self._last and now.measured and restarted(self._last, now):
            self._past = {tier: continued(past, self._last) for tier, past in self._past.items()}
        if now.measured:
            self._last = now
        for tier in TIERS:
            last = self._at.get(tier)
            # A clock that was put back makes a record due, too: time goes on from there.
            if last is None or not 0 <= now.at - last < tier.step_s - _EARLY_S:
                with contextlib.suppress(StateUnusable, OSError):
                    self._write(tier, self._past.get(tier), now)
                self._note(tier, now)

    def _note(self, tier: Tier, now: Scrape) -> None:
        self._at[tier] = now.at
        if now.measured:
            self._past[tier] = now

    def _write(self, tier: Tier, past: Scrape | None, now: Scrape) -> None:
        file = path(self._folder, tier)
        layout = _layout(file)
        if layout is None or not _covers(layout, now):
            layout = _begin(file, tier, layout, now)
        with Ring(file, write=True) as writer:
            writer.append(layout.record(past, now))


def path(folder: Path, tier: Tier) -> Path:
    """Return where the history of a server has the records of one tier."""
    return folder / f"history-{tier.step_s:.0f}s.ring"


def latest(folder: Path) -> Scrape | None:
    """Return the newest scrape, None where there is none yet."""
    return next(iter(_scrapes(path(folder, TIERS[0]), 1)), None)


def before(folder: Path, at: float) -> Scrape | None:
    """Return where a window from `at` to now begins.

    That is the last scrape not after `at` with the engine's figures, else the first such; moved
    where the engine was started anew since.
    """
    with _history(folder, at) as (reader, layout):
        if reader is None:
            return None
        number = reader.since(at)
        earlier = [layout.scrape(record) for record in reader.rows(number - _SILENT, number)]
        found = next((each for each in reversed(earlier) if each.measured), None)
        newest = [layout.scrape(record) for record in reader.rows(reader.written - 1)]
        if found and newest and not restarted(found, newest[0]):
            return found
        later = [each for record in reader.rows(number) if (each := layout.scrape(record)).measured]
    found = found or next(iter(later), None)
    return found and _moved(found, _restarts([found, *later]), math.inf)


def _restarts(said: list[Scrape]) -> list[tuple[Scrape, Scrape]]:
    """Return the last scrape of each engine that another one followed, and the first of that."""
    return [pair for pair in itertools.pairwise(said) if restarted(*pair)]


def _moved(opening: Scrape, restarts: list[tuple[Scrape, Scrape]], until: float) -> Scrape:
    """Return where a window that ends at `until` begins, for all restarts inside it."""
    moved = opening
    for last, first in restarts:
        if opening.at < first.at <= until:
            moved = continued(moved, last)
    return moved


def samples(
    folder: Path, since: float, *, every_s: float | None = None, window_s: float | None = None
) -> list[Sample]:
    """Return what a server did from `since` on, oldest first.

    Parameters
    ----------
    since : float
        Seconds since the epoch.
    every_s : float, optional
        Seconds between two samples; else as they were taken.
    window_s : float, optional
        Seconds that rates and quantiles of each look back; else to the sample before.
    """
    with _history(folder, since - (window_s or every_s or 0.0)) as (reader, layout):
        if reader is None:
            return []
        first = reader.since(since - (window_s or every_s or 0.0))
        scrapes = [layout.scrape(record) for record in reader.rows(max(0, first - 1))]
    return list(_stepped(scrapes, since, every_s or 0.0, window_s))


def _stepped(
    scrapes: list[Scrape], since: float, every_s: float, window_s: float | None
) -> Iterator[Sample]:
    """Yield samples at steps that are counted from the newest scrape back."""
    chosen: list[Scrape] = []
    for each in reversed(scrapes):
        if not chosen or chosen[-1].at - each.at >= every_s - _EARLY_S:
            chosen.append(each)
    said = [each for each in scrapes if each.measured]
    restarts = _restarts(said)
    opening = None
    for now in reversed(chosen):
        if window_s is not None:
            opening = _opening(said, now.at - window_s)
        if now.at >= since:
            yield between(opening and _moved(opening, restarts, now.at), now)
        opening = now if now.measured else opening


def _opening(said: list[Scrape], at: float) -> Scrape | None:
    """Return the last scrape that is not after `at`, else the first one."""
    place = bisect.bisect_right(said, at, key=lambda scrape: scrape.at)
    return said[max(0, place - 1)] if said else None


def columns(folder: Path, since: float) -> Columns:
    """Return what a server did from `since` on, as it was sampled, a column for each figure."""
    with _history(folder, since) as (reader, layout):
        if reader is None:
            return Columns((), {})
        rows = reader.rows(reader.since(since))
    places = {name: place for place, name in enumerate((*layout.windowed, *layout.values), start=1)}
    fields: dict[str, Sequence[float]] = {
        name: rows.column(places[name]) for name in layout.windowed
    }
    for field, (name, factor) in GAUGES.items():
        if name in places:
            column = rows.column(places[name])
            fields[field] = column if factor == 1 else [factor * value for value in column]
    fields |= {field: rows.column(places[name]) for field, name in COUNTS.items() if name in places}
    return Columns(rows.column(0), fields)


@contextlib.contextmanager
def _history(folder: Path, since: float) -> Iterator[tuple[Ring | None, Layout]]:
    """Open the finest tier that reaches back to `since`, or has not lost anything yet."""
    with contextlib.ExitStack() as files:
        chosen: Ring | None = None
        for tier in TIERS:
            reader = files.enter_context(ring.opened(path(folder, tier)))
            if reader is None:
                continue
            chosen = reader
            if reader.written <= reader.capacity or reader.since(since) > (
                reader.written - reader.capacity
            ):
                break
        yield (chosen, _LAYOUT.decode(chosen.header)) if chosen else (None, Layout())


def _scrapes(file: Path, count: int) -> list[Scrape]:
    """Return the latest `count` scrapes of a file, oldest first; none where there is none."""
    with ring.opened(file) as reader:
        if reader is None:
            return []
        layout = _LAYOUT.decode(reader.header)
        return [layout.scrape(record) for record in reader.rows(reader.written - count)]


def _layout(file: Path) -> Layout | None:
    with ring.opened(file) as reader:
        return _LAYOUT.decode(reader.header) if reader else None


def _double(value: float | None) -> float:
    return math.nan if value is None else value


def _covers(layout: Layout, now: Scrape) -> bool:
    """Whether a file of that layout has a place for all of `now`."""
    return set(layout.values) >= set(now.values) and all(
        set(layout.bounds.get(name, ())) >= set(histogram.buckets)
        for name, histogram in now.histograms.items()
    )


def _begin(file: Path, tier: Tier, before: Layout | None, now: Scrape) -> Layout:
    """Make a file whose records have a place for all of `now` and all that the old ones have."""
    bounds = {name: set(each) for name, each in before.bounds.items()} if before else {}
    for name, histogram in now.histograms.items():
        bounds[name] = bounds.get(name, set()) | set(histogram.buckets)
    layout = Layout(
        values=tuple(dict.fromkeys((*scrape.names(), *now.values))),
        bounds={name: tuple(sorted(each, key=float)) for name, each in bounds.items()},
    )
    kept = _scrapes(file, tier.records) if before else []
    ring.create(file, layout, layout.width, tier.records)
    with Ring(file, write=True) as writer:
        for past, each in zip([None, *kept], kept, strict=False):
            writer.append(layout.record(past, each))
    return layout
