"""What an answer has to be: text, one of some choices, or JSON of a schema."""

from __future__ import annotations

import enum
import re
import typing
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from aim_jupyter.core.errors import BadUsage

#: What a column holds.
Kind = Literal["string", "integer", "number", "boolean", "object"]
_KINDS: tuple[Kind, ...] = ("string", "integer", "number", "boolean")


class Invalid(ValueError):
    """An answer that is not what was asked for; the text says why, to people and to the model."""


class Schema:
    """What answers have to be, and the columns that they give.

    Parameters
    ----------
    given
        A pydantic model, a JSON Schema, a list of choices (or an `Enum`, a `Literal`), None for
        any text.

    Attributes
    ----------
    json : dict or None
        The JSON Schema that is sent along.
    choices : tuple of str
    fields : dict
        The column of each field by its name; one without a name stands for the whole answer.
    """

    def __init__(self, given: Any = None) -> None:
        self.json: dict[str, Any] | None = None
        self.choices = _choices(given)
        self._check: Callable[[str], Any] = str
        if self.choices:
            self._check = self._chosen
        elif hasattr(given, "model_json_schema"):
            self.json = given.model_json_schema()
            self._check = _by_model(given)
        elif isinstance(given, dict):
            self.json = given
            self._check = _by_schema(given)
        elif given is not None:
            raise BadUsage(
                f"{given!r} is no schema.", "give a pydantic model, a JSON Schema or a list"
            )
        self.fields = _fields(self.json)
        self._names = list((self.json or {}).get("properties", {}))

    def values(self, text: str) -> tuple[Any, ...]:
        """Return the value of each of the `fields` that an answer gives.

        Raises
        ------
        Invalid
            If it is not what was asked for.
        """
        found = self._check(text)
        if self.json is None or not isinstance(found, dict) or not self._names:
            return (found,)
        return tuple(found.get(name) for name in self._names)

    def _chosen(self, text: str) -> str:
        if text.strip() not in self.choices:
            raise Invalid(f"it is none of {', '.join(self.choices)}")
        return text.strip()


def _choices(given: Any) -> tuple[str, ...]:
    if isinstance(given, type) and issubclass(given, enum.Enum):
        given = [member.value for member in given]
    elif typing.get_origin(given) is Literal:
        given = typing.get_args(given)
    if isinstance(given, Sequence) and not isinstance(given, str):
        if not given or not all(isinstance(each, str) and each for each in given):
            raise BadUsage("Choices are words, at least one.", 'schema=["kind", "unkind"]')
        return tuple(given)
    return ()


def _by_model(model: Any) -> Callable[[str], Any]:
    def check(text: str) -> Any:
        try:
            return model.model_validate_json(text).model_dump(mode="json")
        except ValueError as error:
            raise Invalid(_said(error)) from error

    return check


def _said(error: Any) -> str:
    """Return what pydantic found first, in one line."""
    try:
        first = error.errors()[0]
    except (AttributeError, LookupError):
        return str(error).splitlines()[0]
    where = ".".join(map(str, first.get("loc", ())))
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def _by_schema(schema: dict[str, Any]) -> Callable[[str], Any]:
    from jsonschema import exceptions, validators  # noqa: PLC0415 - 60 ms, for a schema only

    kind = validators.validator_for(schema, default=validators.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except exceptions.SchemaError as error:
        raise BadUsage(f"That is no JSON Schema: {error.message}.", "mend the schema") from error
    validator = kind(schema)

    def check(text: str) -> Any:
        try:
            found = msgspec.json.decode(text.encode())
        except (msgspec.DecodeError, UnicodeError) as error:
            raise Invalid(f"it is no JSON: {error}") from error
        wrong = exceptions.best_match(validator.iter_errors(found))
        if wrong is not None:
            raise Invalid(f"{wrong.json_path.removeprefix('$.')}: {wrong.message}")
        return found

    return check


def _fields(schema: dict[str, Any] | None) -> dict[str, Kind]:
    """Return the columns that a schema gives: one a field, one alone for anything but an object."""
    if schema is None:
        return {"": "string"}
    properties = schema.get("properties") or {}
    if not properties:
        return {"": _kind(schema, schema)}
    if len(properties) == 1:
        return {"": _kind(next(iter(properties.values())), schema)}
    return {name: _kind(each, schema) for name, each in properties.items()}


def _kind(part: Any, whole: dict[str, Any]) -> Kind:
    """Return what a column for a part of a schema holds; what may be several things is an object.

    A reference is followed once: what it names may itself be one only in a circle.
    """
    if not isinstance(part, dict):
        return "object"
    found = re.fullmatch(r"#/(\$defs|definitions)/([^/]+)", part.get("$ref", ""))
    if found:
        part = whole.get(found[1], {}).get(found[2], {})
    kinds = {part.get("type")} if "type" in part else {each.get("type") for each in _ways(part)}
    kinds -= {"null"}
    if not kinds and "enum" in part and all(isinstance(each, str) for each in part["enum"]):
        return "string"
    return next((kind for kind in _KINDS if kinds == {kind}), "object")


def _ways(part: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in part.get("anyOf", ()) if isinstance(each, dict)]
