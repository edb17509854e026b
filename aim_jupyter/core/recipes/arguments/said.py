"""What a command line says: each option with its values, and the paths among them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from aim_jupyter.core.recipes.arguments.options import plain

_DEPTH = 8
_PATHS = ("/", "./", "../", "~")


def said(argv: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return each option with each of its values as text; keys of an object follow a dot.

    Examples
    --------
    >>> said(["python", "--spec", '{"model": "a/b"}', "--eager", "--seed=-1", "--no-x"])
    (('spec.model', 'a/b'), ('eager', ''), ('seed', '-1'), ('no-x', ''))
    """
    # Each rule of a policy asks about the same words.
    return _said(tuple(argv))


@functools.lru_cache(maxsize=16)
def _said(argv: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(_each(argv))


def _each(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    name, values = "", list[str]()
    for word in [*argv, "--"]:
        if not word.startswith("--"):
            values.append(word)
            continue
        if name:
            for value in values or [""]:
                yield from _leaves(plain(name), _parsed(value), 0)
        name, equals, value = word.partition("=")
        values = [value] if equals else []


def paths(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each option with each path that its value is or ends in, as in ``name=/path``.

    Examples
    --------
    >>> list(paths(["serve", "/m", "--lora-modules", "a=/x", "b=o/m", "--x", '{"k": "file:///y"}']))
    [('lora-modules', '/x'), ('x.k', '/y')]
    """
    for name, value in said(argv):
        for each in dict.fromkeys((value, value.partition("=")[2], value.rpartition("=")[2])):
            path = each.strip().removeprefix("file://").removeprefix("file:")
            if path.startswith(_PATHS) or path in (".", ".."):
                yield name, path
                break


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth < _DEPTH:
        for key, inside in value.items():
            yield from _leaves(f"{name}.{key}", inside, depth + 1)
    elif isinstance(value, list) and depth < _DEPTH:
        for inside in value:
            yield from _leaves(name, inside, depth + 1)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def _parsed(text: str) -> Any:
    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text
