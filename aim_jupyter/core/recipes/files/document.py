"""A YAML file and where things stand in it: reads data, points at lines when something is wrong.

Parsing keeps no line numbers, which makes it several times faster. Only when a file turns out to
be wrong is it composed a second time, with marks.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from aim_jupyter.core.errors import RecipeInvalid, closest
from aim_jupyter.core.records.kinds import resolved

MOST_BYTES = 1 << 20
MOST_NODES = 100_000
LEAST, MOST = -(1 << 63), (1 << 63) - 1

Key = str | int
T = TypeVar("T")


class Document:
    """One file: its text, its data, and the line of any place in it."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text

    @classmethod
    def open(cls, path: Path) -> Document:
        """Read the file at `path`.

        Raises
        ------
        RecipeInvalid
            If it can't be read, is no text, or is larger than 1 MiB.
        """
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise RecipeInvalid(
                f"{path}: expected a readable file, found: {error.strerror}.", f"ls -l {path}"
            ) from error
        if len(raw) > MOST_BYTES:
            raise _invalid(path, 1, "a file of at most 1 MiB", f"{len(raw)} bytes")
        try:
            return cls(path, raw.decode())
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise _invalid(path, line, "UTF-8 text", f"byte 0x{raw[error.start]:02x}") from error

    @functools.cached_property
    def data(self) -> Any:
        """The content as plain Python values.

        Raises
        ------
        RecipeInvalid
            If it is not YAML, repeats a key, or is nested or repeated beyond reason.
        """
        import yaml  # noqa: PLC0415 -- 20 ms that a look into the index does not need

        try:
            data = yaml.load(self.text, _loader())  # noqa: S506 -- a safe loader
        except yaml.YAMLError as error:
            raise self._not_yaml(error) from error
        except (RecursionError, ValueError) as error:
            # ValueError: dates that no calendar has, such as 2025-13-99.
            raise _invalid(self.path, 1, "plain YAML values", str(error)) from error
        try:
            _check_plain(data)
        except ValueError as error:
            raise _invalid(self.path, 1, "plain YAML values", str(error)) from error
        return data

    def convert(self, to: type[T]) -> T:
        """Return the content as a `to`.

        Raises
        ------
        RecipeInvalid
            Naming file, line, what was expected and what was found.
        """
        try:
            return msgspec.convert(self.data, resolved(to))
        except msgspec.ValidationError as error:
            raise self._not_a(to, str(error)) from error

    def invalid(self, where: tuple[Key, ...], expected: str, found: str) -> RecipeInvalid:
        """Return what to raise when the value at `where` is wrong."""
        name = _dotted(where)
        wanted = f"{name}: {expected}" if name else expected
        return _invalid(self.path, self.line(where), wanted, found)

    def line(self, where: tuple[Key, ...]) -> int:
        """Return the line (from 1) of the value at `where`, or of the nearest thing around it."""
        import yaml  # noqa: PLC0415 -- as above

        node: Any = yaml.compose(self.text, _loader())
        line = 1
        for key in where:
            key_node, node = _child(node, key)
            if key_node is None:
                break
            line = key_node.start_mark.line + 1
        return line

    def _not_yaml(self, error: Any) -> RecipeInvalid:
        mark = getattr(error, "problem_mark", None)
        before = mark.line if mark else self.text.count("\n", 0, getattr(error, "position", 0))
        found = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        return _invalid(self.path, before + 1, "YAML", found)

    def _not_a(self, to: type[Any], message: str) -> RecipeInvalid:
        text, _, place = message.partition(" - at ")
        where = _places(place, self.data, to, message)
        unknown = re.search(r"unknown field `(.*)`", text, re.DOTALL)
        missing = re.search(r"missing required field `(.*)`", text, re.DOTALL)
        if unknown:
            return self.invalid((*where, unknown[1]), _known(to, unknown[1]), repr(unknown[1]))
        if missing:
            return self.invalid(where, f"a key {missing[1]!r}", _keys(_value(self.data, where)))
        expected = text.partition(", got ")[0].removeprefix("Expected ").replace("`", "")
        return self.invalid(where, expected, _short(_value(self.data, where)))


def _invalid(path: Path, line: int, expected: str, found: str) -> RecipeInvalid:
    said = " ".join(f"expected {expected}; found {found}.".split())
    return RecipeInvalid(
        f"{path}, line {line}: {said}",
        f"%aim recipe check {path}",
    )


@functools.cache
def _loader() -> Any:
    import yaml  # noqa: PLC0415 -- as above

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Refuses a key that stands twice: plain YAML silently keeps the last."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
            _refuse_twice(node)
            return super().construct_mapping(node, deep)  # type: ignore[no-any-return]

    return Loader


def _refuse_twice(node: Any) -> None:
    from yaml.constructor import ConstructorError  # noqa: PLC0415 -- as above

    seen = set()
    for key, _ in node.value:
        name = key.value if isinstance(key.value, str) else id(key)
        if name in seen:
            raise ConstructorError(None, None, f"{name!r} twice", key.start_mark)
        seen.add(name)


def _check_plain(data: Any) -> None:
    """Raise ValueError where values unfold without end, or a number is of no machine's size."""
    sizes: dict[int, int] = {}

    def size(value: Any) -> int:
        if isinstance(value, int) and not LEAST <= value <= MOST:
            raise ValueError(f"the number {_short(value)}, beyond 64 bits")
        if not isinstance(value, dict | list):
            return 1
        if id(value) not in sizes:
            sizes[id(value)] = MOST_NODES + 1  # what a loop of aliases meets on its way back
            inside = [*value, *value.values()] if isinstance(value, dict) else value
            sizes[id(value)] = 1 + sum(map(size, inside))
        return sizes[id(value)]

    if size(data) > MOST_NODES:
        raise ValueError(f"aliases that unfold to more than {MOST_NODES:,} values")


def _places(text: str, data: Any, to: type[Any], message: str) -> tuple[Key, ...]:
    """Return the path that msgspec wrote, with the keys it writes as ``[...]`` found again."""
    where: list[Key] = []
    for part in re.findall(r"\.([^.\[`]+)|\[(\d+|\.\.\.)\]", text.strip("`").removeprefix("$")):
        name, index = part
        if index == "...":
            where.append(_culprit(data, tuple(where), to, message))
        else:
            where.append(name or int(index))
    return tuple(where)


def _culprit(data: Any, where: tuple[Key, ...], to: type[Any], message: str) -> Key:
    """Return the key at `where` without which the message would be another."""
    inside = _value(data, where)
    for key in inside:
        rest = {name: value for name, value in inside.items() if name != key}
        try:
            msgspec.convert(_replaced(data, where, rest), resolved(to))
        except msgspec.ValidationError as error:
            if str(error) == message:
                continue
        return str(key)
    return str(next(iter(inside)))


def _replaced(data: Any, where: tuple[Key, ...], value: Any) -> Any:
    if not where:
        return value
    copy = data.copy()
    copy[where[0]] = _replaced(data[where[0]], where[1:], value)
    return copy


def _value(data: Any, where: tuple[Key, ...]) -> Any:
    for key in where:
        data = data[key]
    return data


def _child(node: Any, key: Key) -> tuple[Any, Any]:
    if isinstance(key, int) and isinstance(node.value, list) and key < len(node.value):
        return node.value[key], node.value[key]
    for pair in node.value if isinstance(node.value, list) else ():
        if isinstance(pair, tuple) and pair[0].value == key:
            return pair
    return None, node


def _dotted(where: tuple[Key, ...]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in where)
    return text.removeprefix(".")


def _short(value: Any, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _known(to: type[Any], key: str) -> str:
    """Return what could stand in the place of an unknown key."""
    parts = msgspec.json.schema(to)["$defs"].values()
    near = closest(key, {name for part in parts for name in part.get("properties", ())})
    return f"a key of the format, such as {', '.join(near)}" if near else "a key of the format"


def _keys(value: Any) -> str:
    return f"the keys {', '.join(map(str, value))}" if value else "none"
