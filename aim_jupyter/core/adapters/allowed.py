"""What a recipe may set of an engine: a list, by option, by key inside of an option, by variable.

A recipe is a file that somebody wrote. What is not on the list is the user's alone to ask for,
whatever it is: an engine has hundreds of options, and some of them load code, listen, or write.

A value is described by one of

- ``"switch"``: on or off; ``"off"``: it may only be switched off
- ``"word"``: a bare name, which is no path, no address and nothing that could be imported
- ``"sign"``: a word with + or - before it
- ``"repo"``: a repository of the Hub
- ``"1..64"``: a whole number (``8192``, ``32k``, ``64M``); ``"0.0..1.0"``: any number
- ``"list of …"``: some of these
- an array: one of these words, or in one of these ranges
- a table: an object with these keys, each described in the same way
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

Kind = str | list[str] | dict[str, Any]

_ON, _OFF = (None, True, "", "true", "True", "1", 1), (False, "false", "False", "0", 0)
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+-]{0,63}")
_SIGN = re.compile(r"[+-][A-Za-z0-9_]{1,63}|all|none")
_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)")
_NUMBER = re.compile(r"(-?[0-9]{1,18})([kmgKMG]?)(?:iB|B)?")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
_MOST = 1000  # of a list, far above what any engine has a use for
_TEXT = 20_000  # characters of JSON


class Allowed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, eq=False):
    """What a recipe may set; the head of this module says how values are described.

    Attributes
    ----------
    options : dict
        By name, without dashes. Names that an engine has no more are among them: what they have
        become is found when a recipe is reconciled with an engine.
    variables : dict
        By name.
    """

    options: dict[str, Kind] = {}
    variables: dict[str, Kind] = {}

    def __post_init__(self) -> None:
        for kind in (*self.options.values(), *self.variables.values()):
            _check(kind)

    def option(self, path: str, value: Any) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with an option: its name with the key inside of it, and why.

        Parameters
        ----------
        path : str
            Its name without dashes, with what follows a dot.

        Examples
        --------
        >>> list(Allowed(options={"seed": "0..9", "c": {"mode": "0..3"}}).option("seed", 10))
        [('seed', 'it can only be 0 to 9')]
        >>> list(Allowed(options={"c": {"mode": "0..3"}}).option("c", {"backend": "x"}))
        [('c.backend', 'it is not on the list')]
        """
        name, _, inside = path.partition(".")
        on = name.removeprefix("no-")
        if name not in self.options and on != name:
            name, value = on, not _among(value, _ON)
            if self.options.get(name) not in ("switch", "off"):
                name = path
        for key in reversed(inside.split(".") if inside else []):
            value = {key: _parsed(value)}
        return _wrong(name, self.options.get(name), value)

    def variable(self, name: str, value: str) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with a variable: its name, and why."""
        return _wrong(name, self.variables.get(name), value)


def _wrong(path: str, kind: Kind | None, value: Any) -> Iterator[tuple[str, str]]:
    if kind is None:
        yield path, "it is not on the list"
    elif isinstance(kind, dict):
        said = _parsed(value)
        if not isinstance(said, dict):
            yield path, "it can only be an object"
            return
        for key, inside in said.items():
            yield from _wrong(f"{path}.{key}", kind.get(key), inside)
    elif not _is(kind, value):
        yield path, f"it can only be {_said(kind)}"


def _is(kind: str | list[str], value: Any) -> bool:
    if isinstance(kind, list):
        plain = isinstance(value, str | int) and str(value) in kind
        return plain or any(_is(one, value) for one in kind if _RANGE.fullmatch(one))
    if kind.startswith("list of "):
        many = _parsed(value)
        many = many if isinstance(many, list) else [many]
        return len(many) <= _MOST and all(_is(kind.removeprefix("list of "), one) for one in many)
    limits = _RANGE.fullmatch(kind)
    if limits:
        number = _number(value) if "." not in limits[1] else _decimal(value)
        return number is not None and float(limits[1]) <= number <= float(limits[2])
    return _IS[kind](value)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


_IS = {
    "switch": lambda value: _among(value, _ON + _OFF),
    "off": lambda value: _among(value, _OFF),
    "word": lambda value: _matches(_WORD, value),
    "sign": lambda value: _matches(_SIGN, value),
    "repo": lambda value: _matches(_REPO, value) and ".." not in value,
}
_NAMED = {
    "switch": "on or off",
    "off": "switched off",
    "word": "a bare name",
    "sign": "a bare name after + or -",
    "repo": "a repository of the Hub",
}


def _among(value: Any, words: tuple[Any, ...]) -> bool:
    return (value is None or isinstance(value, str | bool | int)) and value in words


def _number(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    found = _NUMBER.fullmatch(str(value))
    return int(found[1]) * _UNITS[found[2]] if found else None


def _decimal(value: Any) -> float | None:
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return float(value) if plain and _DECIMAL.fullmatch(str(value)) else None


def _parsed(value: Any) -> Any:
    """Return what a text of JSON says, and anything else as it is."""
    if isinstance(value, str) and len(value) <= _TEXT:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _said(kind: str | list[str]) -> str:
    if isinstance(kind, list):
        return f"one of {', '.join(one.replace('..', ' to ') for one in kind)}"
    if kind.startswith("list of "):
        return f"a list, each {_said(kind.removeprefix('list of '))}"
    return _NAMED.get(kind) or kind.replace("..", " to ")


def _check(kind: Any) -> None:
    """Raise ValueError for a description that means nothing."""
    if isinstance(kind, Mapping):
        for inside in kind.values():
            _check(inside)
    elif isinstance(kind, str):
        bare = kind.removeprefix("list of ")
        if bare not in _IS and not _RANGE.fullmatch(bare):
            raise ValueError(f"{kind!r} describes no value")
    elif not isinstance(kind, list) or not all(isinstance(one, str) for one in kind):
        raise ValueError(f"{kind!r} describes no value")
