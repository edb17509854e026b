"""Reading numbers out of a ``config.json`` that may lie or lack them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# No model that was ever published comes near these; a config that does is not believed.
MOST = 2**24
MOST_TOKENS = 2**31

_SHOWN = 24  # characters of a value in a reason


class Unreadable(Exception):
    """A config does not say, or can't mean, what is needed; the text says which part.

    Never leaves `aim_jupyter.core.fit`: it becomes the reason of an ``unknown``.
    """


class Fields:
    """The keys of a config, each checked when it is read.

    Parameters
    ----------
    config : mapping
        A ``config.json``, or a part of one.
    name : str
        What to call it in a reason.

    Attributes
    ----------
    asked : set of str
        The keys that somebody has asked for: the others were read by nobody.
    """

    def __init__(self, config: Mapping[str, Any], name: str = "config") -> None:
        if not isinstance(config, Mapping):
            raise Unreadable(f"{name} is not an object")
        self.config = config
        self.name = name
        self.asked: set[str] = set()

    def get(self, *names: str) -> Any:
        """Return the first of `names` that is there and not null, else None."""
        self.asked.update(names)
        for name in names:
            value = self.config.get(name)
            if value is not None:
                return value
        return None

    def has(self, *names: str) -> bool:
        """Whether one of `names` is there and not null."""
        return self.get(*names) is not None

    def size(
        self, *names: str, default: int | None = None, least: int = 1, most: int = MOST
    ) -> int:
        """Return a whole number from `least` to `most`.

        Raises
        ------
        Unreadable
            If there is none and no default, or it is something else.
        """
        value = self.get(*names)
        if value is None:
            value = default
        if value is None:
            raise Unreadable(f"{names[0]} is missing")
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unreadable(f"{names[0]} is {_short(value)}, not a whole number")
        if not least <= value <= most:
            raise Unreadable(f"{names[0]} is {_short(value)}, which can't be")
        return value

    def amount(self, *names: str, default: int = 0, most: int = MOST) -> int:
        """Return a whole number that may be 0."""
        return self.size(*names, default=default, least=0, most=most)

    def optional(self, *names: str, most: int = MOST) -> int | None:
        """Return a whole number above 0, or None where it is absent."""
        return self.size(*names, most=most) if self.has(*names) else None

    def each(self, names: Iterable[str], *, most: int = MOST) -> list[int]:
        """Return the whole numbers above 0 of all those `names` that are there."""
        return [self.size(name, most=most) for name in names if self.has(name)]

    def flag(self, *names: str, default: bool = False) -> bool:
        """Return true or false.

        Raises
        ------
        Unreadable
            If it is something else.
        """
        value = self.get(*names)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Unreadable(f"{names[0]} is {_short(value)}, not true or false")
        return value

    def text(self, *names: str, default: str = "") -> str:
        """Return a text, `default` where there is none.

        Raises
        ------
        Unreadable
            If it is something else.
        """
        value = self.get(*names)
        if value is None:
            return default
        if not isinstance(value, str):
            raise Unreadable(f"{names[0]} is {_short(value)}, not a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, empty where there is none."""
        value = self.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Unreadable(f"{name} is not a list of texts")
        return tuple(value)

    def numbers(self, name: str) -> tuple[int, ...]:
        """Return a list of whole numbers, empty where there is none."""
        value = self.get(name)
        if value is None:
            return ()
        whole = isinstance(value, list) and all(type(item) is int for item in value)
        if not whole:
            raise Unreadable(f"{name} is not a list of whole numbers")
        return tuple(value)

    def part(self, *names: str) -> Fields | None:
        """Return a nested object, None where there is none."""
        value = self.get(*names)
        return None if value is None else Fields(value, names[0])


def _short(value: object) -> str:
    """Return `value` in at most 24 characters: a number may have thousands of digits."""
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a number of more than 18 digits"
    if not isinstance(value, (bool, int, float, str)):
        return f"a {type(value).__name__}"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
