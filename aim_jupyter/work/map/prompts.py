"""From a row of a table to what a model is asked."""

from __future__ import annotations

import base64
import inspect
import math
import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.work.records import Form

Row = Mapping[str, Any]
#: A template of columns, messages whose contents are templates, or a function of the row.
Prompt = str | Sequence[Mapping[str, Any]] | Callable[[dict[str, Any]], Any]

_SHOWN: dict[str, Callable[[Any], str]] = {"r": repr, "s": str, "a": ascii}
_PICTURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}


class Unaskable(Exception):
    """A row that nothing can be asked of; the text says why, for its error column."""


class Template:
    """Text with ``{column}`` where a row's value goes; ``{{`` and ``}}`` are braces.

    Only columns are looked up, no attributes and no items: a value can't reach into the program.

    Raises
    ------
    BadUsage
        If it can't be read.
    UnknownName
        If a table with these `columns` has no such one.
    """

    def __init__(self, text: str, columns: Sequence[str]) -> None:
        try:
            self._parts = list(string.Formatter().parse(text))
        except ValueError as error:
            raise BadUsage(
                f"The prompt is no template: {error}.", "write {{ and }} for braces, {column} else"
            ) from error
        self.columns = tuple(name for _, name, _, _ in self._parts if name is not None)
        for name in self.columns:
            if name not in columns:
                hint = f"columns are {', '.join(columns[:20])}; write {{{{ and }}}} for braces"
                raise UnknownName("column", name, columns, hint)

    def of(self, row: Row) -> str:
        """Return the text for a row.

        Raises
        ------
        Unaskable
            If a value is missing, or can't be written in the way that the template says.
        """
        said = []
        for text, name, spec, conversion in self._parts:
            said.append(text)
            if name is not None:
                said.append(_written(name, row[name], spec or "", conversion))
        return "".join(said)


def _written(name: str, value: Any, spec: str, conversion: str | None) -> str:
    if missing(value):
        raise Unaskable(f"no value: {name}")
    try:
        shown = _SHOWN[conversion](value) if conversion else value
        return format(shown, spec)
    except Exception as error:
        # A value's own code runs here: whatever it raises is about this row.
        raise Unaskable(f"{name} can't be written: {type(error).__name__}") from error


def missing(value: Any) -> bool:
    """Whether a table has nothing there: None, NaN, NaT, NA."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


class Prompts:
    """What is asked of each row.

    Parameters
    ----------
    prompt : Prompt
    columns : sequence of str
        Of the table.
    images : sequence of str
        Columns that hold pictures, as paths or bytes; they go with the last message.
    """

    def __init__(self, prompt: Prompt, columns: Sequence[str], images: Sequence[str] = ()) -> None:
        self._images = tuple(images)
        for name in images:
            if name not in columns:
                raise UnknownName("column", name, columns)
        self._make, self.text, self.form = self._made(prompt, columns)

    def _made(
        self, prompt: Prompt, columns: Sequence[str]
    ) -> tuple[Callable[[dict[str, Any]], Any], str, Form]:
        if isinstance(prompt, str):
            return Template(prompt, columns).of, prompt, "text"
        if callable(prompt):
            return prompt, _source(prompt), "function"
        turns = [_turn(message, columns) for message in prompt]
        text = msgspec.json.encode([dict(message) for message in prompt]).decode()
        return lambda row: [make(row) for make in turns], text, "messages"

    def of(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the messages for a row.

        Raises
        ------
        Unaskable
            With what stands in the way.
        """
        try:
            said = self._make(row)
        except Unaskable:
            raise
        except Exception as error:
            # A function of the user's: what it raises is about this row, and says so there.
            raise Unaskable(f"the prompt failed: {type(error).__name__}: {error}") from error
        messages = [{"role": "user", "content": said}] if isinstance(said, str) else said
        if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
            raise Unaskable("the prompt gave neither text nor messages")
        pictures = [_picture(name, row[name]) for name in self._images]
        if pictures:
            last = messages[-1]
            text = {"type": "text", "text": last["content"]}
            messages = [*messages[:-1], {**last, "content": [*pictures, text]}]
        return messages


def _turn(message: Mapping[str, Any], columns: Sequence[str]) -> Callable[[Row], dict[str, Any]]:
    content = message.get("content")
    if not isinstance(content, str) or "role" not in message:
        raise BadUsage(
            "A message of the prompt has no role or no text.",
            'write [{"role": "user", "content": "… {column}"}]',
        )
    template = Template(content, columns)
    return lambda row: {**message, "content": template.of(row)}


def _source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"


def _picture(name: str, value: Any) -> dict[str, Any]:
    """Return a picture as a part of a message."""
    if missing(value):
        raise Unaskable(f"no value: {name}")
    try:
        data = bytes(value) if isinstance(value, bytes | bytearray) else Path(value).read_bytes()
    except (OSError, TypeError, ValueError) as error:
        raise Unaskable(f"{name} can't be read: {error}") from error
    kind = next((kind for head, kind in _PICTURES.items() if data.startswith(head)), None)
    if kind is None:
        raise Unaskable(f"{name} is no PNG, JPEG, GIF or WebP")
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}
