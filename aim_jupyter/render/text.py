"""The parts that cards are built of, as text: for terminals, nbconvert and screen readers.

Lines may hold the bold codes of `bold`; `plain` takes them out again, and widths don't count them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from numbers import Real

from aim_jupyter.core.records import Gpu
from aim_jupyter.render import words

_ON, _OFF = "\x1b[1m", "\x1b[0m"
_CODES = re.compile(r"(\x1b\[(?:0|1|2|32|33|94)m)")
# Where the right side of a head ends, and where the values of named rows begin.
WIDTH = 91
LABEL = 9
FULL, EMPTY, STRIPED = "■", "□", "▨"
_SPARKS = "▁▂▃▄▅▆▇█"


def bold(value: object) -> str:
    """Return text that a terminal shows bold."""
    return f"{_ON}{value}{_OFF}"


def good(value: object) -> str:
    """Return text in the terminal's green: what is as it should be. Its word says so too."""
    return f"\x1b[32m{value}{_OFF}"


def care(value: object) -> str:
    """Return text in the terminal's yellow: what wants a look."""
    return f"\x1b[33m{value}{_OFF}"


def yours(value: object) -> str:
    """Return text in the terminal's blue: what is the reader's own."""
    return f"\x1b[94m{value}{_OFF}"


def faint(value: object) -> str:
    """Return secondary text."""
    return f"\x1b[2m{value}{_OFF}"


def plain(text: str) -> str:
    """Return `text` without the codes of `bold` and the colours."""
    return _CODES.sub("", text)


def safe(text: str) -> str:
    """Return `text` with no control codes but those of `bold` and the colours."""
    return "".join(
        piece if _CODES.fullmatch(piece) else words.clean(piece) for piece in _CODES.split(text)
    )


def prose(text: str) -> str:
    """Return a sentence without the backticks that mark code in it."""
    return text.replace("`", "")


def left(text: str, width: int) -> str:
    """Return `text` with blanks after it, up to `width`."""
    return text + " " * (width - len(plain(text)))


def right(text: str, width: int) -> str:
    """Return `text` with blanks before it, up to `width`."""
    return " " * (width - len(plain(text))) + text


def head(title: str, about: str, ending: str = "") -> list[str]:
    """Return the first line of a card and the blank one below it."""
    start = f"{bold('aim')}{' ' if title else ''}{bold(title) if title else ''}  {about}"
    room = WIDTH - len(plain(start))
    gap = " " * max(3, room - len(plain(ending)))
    return [f"{start}{gap}{ending}".rstrip(), ""]


def row(name: str, *values: str, width: int = LABEL) -> list[str]:
    """Return a named row; each further value gets a line of its own, below the first."""
    return [
        f"{'' if index else name:<{width}}{value}".rstrip() for index, value in enumerate(values)
    ]


def bar(gpu: Gpu, cells: int = 10) -> str:
    """Return the bar of a GPU's memory; a hidden one has none."""
    if gpu.state == "hidden" or not gpu.vram_bytes:
        return ""
    filled = round(cells * min(1.0, (gpu.vram_used_bytes or 0) / gpu.vram_bytes))
    mark = STRIPED if gpu.state == "unexplained" else FULL
    return mark * filled + EMPTY * (cells - filled)


def progress(fraction: float, cells: int = 20) -> str:
    """Return a bar of what is done so far."""
    filled = round(cells * min(1.0, max(0.0, fraction)))
    return FULL * filled + EMPTY * (cells - filled)


def spark(values: Sequence[float | None], cells: int, top: float | None = None) -> str:
    """Return a line of blocks through all `values`; a blank where none is known.

    Where there are more values than cells, a block is the mean of those that it stands for.

    Parameters
    ----------
    top : float, optional
        The value of the highest block, else the largest one.
    """
    shown = _means(values, cells) if len(values) > cells else list(values)
    top = top or max([value for value in shown if value is not None], default=0.0) or 1.0
    steps = len(_SPARKS) - 1
    blocks = [
        " " if value is None else _SPARKS[round(steps * max(0.0, value) / top)] for value in shown
    ]
    return "".join(blocks)


def _means(values: Sequence[float | None], cells: int) -> list[float | None]:
    edges = [len(values) * cell // cells for cell in range(cells + 1)]
    known = [
        [value for value in values[low:high] if value is not None]
        for low, high in itertools.pairwise(edges)
    ]
    return [sum(each) / len(each) if each else None for each in known]


#: Of the columns that a line has no room for, so many are named.
FIRST_NAMED = 4


def columns(lines: Sequence[Sequence[str]], numeric: Sequence[bool], gap: int = 2) -> list[str]:
    """Return rows of cells as aligned lines; the cells of a numeric column end together."""
    widths = [max(len(plain(cell)) for cell in column) for column in zip(*lines, strict=True)]
    aligned = [
        [
            right(cell, width) if digits else left(cell, width)
            for cell, width, digits in zip(line, widths, numeric, strict=True)
        ]
        for line in lines
    ]
    return [(" " * gap).join(cells).rstrip() for cells in aligned]


def table(rows: Sequence[Mapping[str, object]], width: int | None = None) -> str:
    """Return rows of plain values as an aligned table with a head.

    Numbers end together, a missing value is a dash. Columns that are empty throughout stay:
    what is not known is said, not hidden.

    Parameters
    ----------
    width : int, optional
        Characters of a line. The last columns, which matter least, are left out and named.
    """
    if not rows:
        return ""
    names = list(rows[0])
    numeric = [all(_is_number(row[name]) for row in rows) for name in names]
    lines = [names, *([_cell(row[name]) for name in names] for row in rows)]
    shown = len(names) if width is None else that_fit(lines, width)
    said = columns([line[:shown] for line in lines], numeric[:shown])
    if shown < len(names):
        said.append(f"{words.plural(len(names) - shown, 'column')} more: {named(names[shown:])}")
    return "\n".join(said)


def that_fit(lines: Sequence[Sequence[str]], width: int, gap: int = 2) -> int:
    """Return how many columns fit; the first two are shown in any case."""
    widths = [max(len(plain(cell)) for cell in column) for column in zip(*lines, strict=True)]
    ends = itertools.accumulate(each + gap for each in widths)
    return max(2, sum(end - gap <= width for end in ends))


def without(
    lines: Sequence[Sequence[str]], numeric: Sequence[bool], drops: Sequence[int], width: int
) -> list[str]:
    """Return aligned rows that fit: columns are left out in the order of `drops`, if they must."""
    kept = list(range(len(numeric)))
    for place in (*drops, None):
        made = columns([[line[at] for at in kept] for line in lines], [numeric[at] for at in kept])
        if place is None or max(len(plain(line)) for line in made) <= width:
            return made
        kept.remove(place)
    return made


def named(heads: Sequence[str]) -> str:
    """Return the names of columns that are not shown, at most a few."""
    return ", ".join(heads[:FIRST_NAMED]) + (", …" if len(heads) > FIRST_NAMED else "")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, Real) and not isinstance(value, bool))


def _cell(value: object) -> str:
    if value is None:
        return words.UNKNOWN
    return ("yes" if value else "no") if isinstance(value, bool) else words.clean(value)
