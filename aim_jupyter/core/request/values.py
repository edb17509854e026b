"""Values as lines have them: how each kind is read from a word, and written as one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from aim_jupyter.core.errors import BadUsage

_UNITS = ((3600, "h"), (60, "m"), (1, "s"))


class Kind(NamedTuple):
    """What values of one kind look like on a line.

    Attributes
    ----------
    read, write
        From a word to a value, and back; `read` may raise `BadUsage`.
    metavar : str
        What a help calls the word; empty where there is none.
    unit : str
        What the value counts.
    gather : type or None
        Of an option that can be said several times: what its values are kept in.
    """

    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    metavar: str = ""
    unit: str = ""
    gather: type | None = None


def duration(seconds: float | None) -> str:
    """Return a length of time as ``--idle`` takes it, in the largest unit that says it exactly.

    Examples
    --------
    >>> duration(5400), duration(1_000_000), duration(0.25), duration(None)
    ('90m', '1000000s', '0.25s', 'never')
    """
    if seconds is None:
        return "never"
    size, unit = next((one for one in _UNITS if seconds % one[0] == 0), (1, "s"))
    # Not `:g`: that rounds to six digits, and writes a million as 1e+06.
    digits = f"{seconds / size:.6f}".rstrip("0").rstrip(".")
    return f"{digits}{unit}"


def seconds(text: str) -> float | None:
    """Return a duration in seconds: ``90``, ``90s``, ``30m``, ``8h``; None for ``never``.

    Raises
    ------
    BadUsage
        If it is none of these.

    Examples
    --------
    >>> seconds("30m"), seconds("never")
    (1800.0, None)
    """
    if text == "never":
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|d)?", text)
    if not found:
        raise BadUsage(f"{text!r} is no duration.", "write 90s, 30m, 8h or never")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2] or "s"]


def span(text: str) -> float:
    """Return a length of time in seconds, as `seconds` does, but not none at all.

    Raises
    ------
    BadUsage
        If it is no time.
    """
    found = seconds(text)
    if not found:
        raise BadUsage(f"{text!r} is no length of time.", "write 90s, 30m or 8h")
    return found


def clock(text: str) -> str:
    """Return a time of day as it is: ``18:00``.

    Raises
    ------
    BadUsage
        If it is none.
    """
    if not re.fullmatch(r"([01]?[0-9]|2[0-3]):[0-5][0-9]", text):
        raise BadUsage(f"{text!r} is no time of day.", "write it as in --until 18:00")
    return text


def milliseconds(text: str) -> float:
    """Return a short time in milliseconds: ``500ms``, ``0.5s``.

    Raises
    ------
    BadUsage
        If it is none of these.

    Examples
    --------
    >>> milliseconds("500ms"), milliseconds("1.5s")
    (500.0, 1500.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text)
    if not found or not float(found[1]):
        raise BadUsage(f"{text!r} is no short time.", "write 500ms or 0.5s")
    return float(found[1]) * (1 if found[2] == "ms" else 1000)


def ordinals(text: str) -> tuple[int, ...]:
    """Return GPU numbers: ``4`` or ``4,5``.

    Raises
    ------
    BadUsage
        If they are not whole numbers.
    """
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise BadUsage(f"{text!r} names no GPUs.", "write their numbers, as in --gpus 4,5")
    return tuple(int(part) for part in text.split(","))


def tokens(text: str) -> int | Literal["auto"]:
    """Return the length of a context: a number, or ``auto`` for the longest that fits.

    Raises
    ------
    BadUsage
        If it is neither.
    """
    if text == "auto":
        return "auto"
    if not re.fullmatch(r"[0-9]{1,12}", text) or not int(text):
        raise BadUsage(f"{text!r} is no length of a context.", "write tokens, as in 32768, or auto")
    return int(text)


def size(text: str) -> int:
    """Return a size in bytes: ``200GB``, ``1.5TiB``; units of 1000 and of 1024 mean what they say.

    Raises
    ------
    BadUsage
        If it is none.

    Examples
    --------
    >>> size("2GiB"), size("2GB")
    (2147483648, 2000000000)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B?", text, re.IGNORECASE)
    if not found:
        raise BadUsage(f"{text!r} is no size.", "write it as in 200GB or 1.5TiB")
    power = "KMGT".index(found[2].upper()) + 1
    return round(float(found[1]) * float(1024 if found[3] else 1000) ** power)


def pair(text: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``.

    Raises
    ------
    BadUsage
        If it is none.
    """
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise BadUsage(f"{text!r} is no NAME=VALUE.", "write it as in --set max-model-len=8192")
    return name, value


TEXT = Kind(metavar="NAME")
COUNT = Kind(int, metavar="N")
TOKENS = Kind(tokens, metavar="TOKENS", unit="tokens")
TIME = Kind(seconds, duration, "TIME", "seconds")
CLOCK = Kind(clock, metavar="HH:MM")
ORDINALS = Kind(ordinals, lambda gpus: ",".join(map(str, gpus)), "LIST", "HIP ordinals")
#: What is said by its name alone.
SWITCH = Kind()
NAMES = Kind(metavar="OPTION", gather=tuple)
PAIRS = Kind(pair, lambda item: f"{item[0]}={item[1]}", "NAME=VALUE", gather=dict)
