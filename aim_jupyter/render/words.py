"""Figures and names as users read them: units, times, counts; a dash for what is not known."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence

from aim_jupyter.core import adapters
from aim_jupyter.core.harmless import harmless
from aim_jupyter.core.records import Sample
from aim_jupyter.core.sizes import GIB, MIB

# Written as code points: an en dash and a multiplication sign, easily taken for others.
UNKNOWN = "\u2013"
TIMES = "\u00d7"
TIB = 1024 * GIB
MINUTE, HOUR, DAY = 60, 3600, 86400

_PLATFORMS = {"cpu": "CPU", "rocm": "ROCm", "cuda": "CUDA"}


def clean(value: object) -> str:
    """Return `value` as text that can't steer a terminal: names and logs come from outside."""
    return harmless(str(value))


def gib(size: float | None, unit: str = " GiB") -> str:
    """Return bytes as GiB with one decimal.

    Examples
    --------
    >>> gib(192 * 1024**3)
    '192.0 GiB'
    """
    return UNKNOWN if size is None else f"{size / GIB:,.1f}{unit}"


def disk(size: float | None) -> str:
    """Return bytes on disk in the unit in which they read best: MiB, GiB or TiB.

    Examples
    --------
    >>> disk(1.24 * 1024**4), disk(3.2 * 1024**2), disk(728)
    ('1.24 TiB', '3.2 MiB', 'under 0.1 MiB')
    """
    if size is None:
        return UNKNOWN
    if 0 < size < MIB / 20:
        return "under 0.1 MiB"
    if size >= TIB:
        return f"{size / TIB:,.2f} TiB"
    return gib(size) if size >= GIB / 20 else f"{size / MIB:.1f} MiB"


def number(value: float | None, unit: str = "") -> str:
    """Return a figure without decimals, thousands with a comma, and its unit after a space."""
    return UNKNOWN if value is None else f"{value:,.0f}" + (f" {unit}" if unit else "")


def bare(value: float | None) -> str:
    """Return a figure as scripts read it: without commas, decimals or unit."""
    return UNKNOWN if value is None else f"{value:.0f}"


def latency(sample: Sample, name: str, part: str) -> str:
    """Return a quantile in milliseconds as far as the engine's buckets tell it.

    Parameters
    ----------
    name, part : str
        Such as ``ttft`` and ``p95``.

    Examples
    --------
    >>> latency(Sample(at=0, itl_p50_ms=4.2, bounds_ms={"itl": (10, 80000)}), "itl", "p50")
    '<10'
    """
    value = getattr(sample, f"{name}_{part}_ms")
    low, high = sample.bounds_ms.get(name, (0.0, float("inf")))
    if value is None or low <= value < high:
        return number(value)
    return f"<{number(low)}" if value < low else f">{number(high)}"


def plural(count: int, noun: str, many: str = "") -> str:
    """Return a count and its noun, which may have a plural of its own.

    Examples
    --------
    >>> plural(1, "line"), plural(1018, "line")
    ('1 line', '1,018 lines')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {many or noun + 's'}"


def duration(seconds: float | None) -> str:
    """Return a length of time in its two largest units.

    Examples
    --------
    >>> duration(0.42), duration(149), duration(3900), duration(183600)
    ('0.4 s', '2 min 29 s', '1 h 05 min', '2 d 03 h')
    """
    if seconds is None:
        return UNKNOWN
    seconds = max(0.0, seconds)
    if round(seconds, 1) < 1:
        return f"{seconds:.1f} s" if seconds else "0 s"
    whole = round(seconds)
    for size, unit, part, smaller in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part:02d} {smaller}"
    return f"{whole} s"


def limit(seconds: float | None) -> str:
    """Return a length of time that was chosen or runs out: whole minutes up to two hours.

    Examples
    --------
    >>> limit(3600), limit(45), limit(28800)
    ('60 min', '45 s', '8 h 00 min')
    """
    if seconds is None or not MINUTE <= seconds <= 2 * HOUR:
        return duration(seconds)
    return f"{round(seconds / MINUTE)} min"


def milliseconds(seconds: float) -> str:
    """Return a short time in milliseconds, with a decimal below one."""
    value = seconds * 1000
    return f"{value:.1f} ms" if round(value, 1) < 1 else f"{value:,.0f} ms"


def clock(at: float) -> str:
    """Return seconds since the epoch as the reader's time of day."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def date(at: float | None) -> str:
    """Return seconds since the epoch as the reader's date."""
    return UNKNOWN if at is None else time.strftime("%Y-%m-%d", time.localtime(at))


def engine(name: str | None, version: str | None = None) -> str:
    """Return an engine as its makers write it, with its version."""
    shown = adapters.title(name) if name else UNKNOWN
    return f"{shown} {version}" if version else shown


def platform(name: str | None) -> str:
    """Return an engine's platform as its makers write it: ``rocm 7.2`` is ``ROCm 7.2``."""
    parts = (name or "").split()
    return " ".join(_PLATFORMS.get(part, part) for part in parts) or UNKNOWN


def listing(items: Sequence[object], last: str = "and") -> str:
    """Return items as a sentence has them.

    Examples
    --------
    >>> listing([4, 5, 6])
    '4, 5 and 6'
    """
    texts = [str(item) for item in items]
    return f" {last} ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def spans(numbers: Sequence[int]) -> list[str]:
    """Return ascending numbers with three and more in a row as a span.

    Examples
    --------
    >>> spans([0, 1, 2, 3, 8, 9])
    ['0-3', '8', '9']
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [
        text
        for run in runs
        for text in ([f"{run[0]}-{run[-1]}"] if len(run) > 2 else map(str, run))  # noqa: PLR2004
    ]


def argument(value: str) -> str:
    """Return `value` as it has to stand in a command line."""
    return shlex.quote(value)
