"""Functions that take what a launch can be asked for: their signature is the record's."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Collection
from typing import Any, ParamSpec, TypeVar

from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage, closest
from aim_jupyter.core.request import record as asked
from aim_jupyter.core.request.record import OPTIONS, Option, Request

P = ParamSpec("P")
T = TypeVar("T")


def _of_request(
    _: Callable[P, Request],
) -> Callable[[Callable[[Request], T]], Callable[P, T]]:
    """Return what makes a function of a request one of its fields, for a reader and for mypy."""

    def decorate(function: Callable[[Request], T]) -> Callable[P, T]:
        signature = inspect.signature(Request).replace(
            parameters=[
                each.replace(annotation=_types()[each.name], default=_default(each))
                for each in inspect.signature(Request).parameters.values()
            ],
            return_annotation=function.__annotations__["return"],
        )

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            if unknown := kwargs.keys() - signature.parameters.keys():
                raise _unknown(function.__name__, args, kwargs, unknown)
            said = signature.bind(*args, **kwargs).arguments
            return function(api.with_variables(asked.checked(said)))

        call.__signature__ = signature  # type: ignore[attr-defined]
        summary, raises, rest = (function.__doc__ or "").partition("    Raises\n")
        call.__doc__ = f"{summary}{_parameters()}\n{raises}{rest}"
        return call

    return decorate


asking = _of_request(Request)
"""Let a function of a request take the fields of one, with its names, types and help."""


def _unknown(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], unknown: Collection[str]
) -> BadUsage:
    """Return the error that has the same call as it is taken: the engine's own as options."""
    said, options = dict(kwargs), dict(kwargs.get("options") or {})
    for word in unknown:
        near = closest(word, _types(), 1)
        if near and near[0] not in kwargs:
            said[near[0]] = said.pop(word)
        else:
            options[word.replace("_", "-")] = said.pop(word)
    said |= {"options": options} if options else {}
    words = [*map(repr, args), *(f"{key}={value!r}" for key, value in said.items())]
    found = f"aim.{name} has no parameter {', '.join(map(repr, sorted(unknown)))}."
    return BadUsage(found, f"aim.{name}({', '.join(words)})")


@functools.cache
def _types() -> dict[str, Any]:
    return typing.get_type_hints(Request)


def _default(parameter: inspect.Parameter) -> Any:
    """Return what stands for a default: an empty dict of its own is none."""
    return next(one.default for one in OPTIONS if one.field == parameter.name)


def _parameters() -> str:
    """Return the part of a docstring that says what the fields are."""
    said = "".join(map(_parameter, OPTIONS))
    return f"    Parameters\n    ----------\n{said}"


def _parameter(option: Option) -> str:
    unit = f", in {option.kind.unit}" if option.kind.unit else ""
    said = option.help[0].upper() + option.help[1:]
    return f"    {option.field} : {_type(_types()[option.field])}{unit}\n        {said}.\n"


def _type(kind: Any) -> str:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " | ".join(map(_type, typing.get_args(kind)))
    if typing.get_origin(kind) is typing.Literal:
        return " | ".join(map(repr, typing.get_args(kind)))
    return "None" if kind is types.NoneType else inspect.formatannotation(kind)
