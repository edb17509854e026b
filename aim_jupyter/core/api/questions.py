"""Plans for elsewhere: another machine, other recipe folders, AMD's own rules; one or many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, recipes
from aim_jupyter.core.api.plans import judged_plan, meant, planner
from aim_jupyter.core.errors import AimError, BadUsage, UnknownName
from aim_jupyter.core.planning import options
from aim_jupyter.core.recipes.files.format import PRECISIONS
from aim_jupyter.core.records import Choice, Plan
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.request import Request

if TYPE_CHECKING:
    from aim_jupyter.core.api.planner import Planner


class Elsewhere(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and by which rules, a plan is asked for.

    Attributes
    ----------
    machine : str or None
        Such as ``mi300x:8``; None is this machine.
    policy : str
        ``default``, or ``aim`` for AMD's own rules; `fallback` lets those take general profiles.
    gpu_model : str or None
        Take only GPUs of this model; policy aim takes the word for it, whatever is there.
    recipes : tuple of str
        Folders beside the shipped recipes.
    """

    machine: str | None = None
    policy: Literal["default", "aim"] = "default"
    fallback: bool = False
    gpu_model: str | None = None
    recipes: str | tuple[str, ...] = ()


def plan_for(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to one question, as `plans_for` takes them.

    Raises
    ------
    AimError
        What a launch would be refused for, in the same words.
    """
    return plan_there(*question_of(question))


def plan_there(request: Request, there: Elsewhere) -> dict[str, Any]:
    """Return a plan as plain data, with the verdict that its recipe was chosen by.

    Raises
    ------
    AimError
        What a launch would be refused for, in the same words.
    """
    if there == Elsewhere():
        return _plain(*judged_plan(request))
    request, answers = _answering(request, there)
    return _plain(*answers.plan(request))


def plans_for(questions: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the answer to each of many questions; a failure is an answer with an ``error``.

    Parameters
    ----------
    questions : iterable of mapping
        The fields of `Request` and of `Elsewhere`; ``set`` is another name of ``options``.
    """
    known = functools.cache(_planner)
    for question in questions:
        try:
            request, there = question_of(question)
            request, answers = _answering(request, there, known)
            yield _plain(*answers.plan(request))
        except AimError as error:
            yield {"error": error.found, "nearest": nearest(error)}


def nearest(error: AimError) -> list[str]:
    """Return the commands that do lead to a plan, else what to do."""
    named = getattr(error, "nearest", None)
    offers = getattr(getattr(error, "refused", None), "offers", ())
    return list(named or [offer.line for offer in offers] or filter(None, [error.hint]))


def question_of(question: Mapping[str, Any]) -> tuple[Request, Elsewhere]:
    """Return what a dictionary asks for.

    Raises
    ------
    UnknownName
        If it has a key that means nothing.
    BadUsage
        If a value is of the wrong kind.
    """
    there, asked = Elsewhere.__struct_fields__, Request.__struct_fields__
    known = (*asked, *there, "set")
    for name in question:
        if name not in known:
            raise UnknownName("parameter", name, known, f"one of {', '.join(known)}")
    said = {name: value for name, value in question.items() if name in asked}
    options = {**_pairs(question.get("options")), **_pairs(question.get("set"))}
    said |= {"options": options} if options else {}
    if isinstance(said.get("unset"), str):
        said["unset"] = (said["unset"],)
    for name in ("precision", "metric", "engine"):
        if said.get(name) == "auto":
            del said[name]
    if said.get("precision") not in (None, *PRECISIONS):
        raise BadUsage(
            f"precision: there is no {said['precision']!r}.",
            f"one of {', '.join(PRECISIONS)}, auto",
        )
    if not isinstance(said.get("model"), str) or not said["model"]:
        raise BadUsage(f"model is {said.get('model')!r}.", "%aim recipes")
    where = {name: value for name, value in question.items() if name in there}
    return _read(said, Request), _read(where, Elsewhere)


def _read(said: Mapping[str, Any], kind: Any) -> Any:
    try:
        return msgspec.convert(said, resolved(kind))
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        found = place.strip("`").removeprefix("$.")
        value = said.get(found.partition("[")[0])
        allowed = {"metric": "one of latency, throughput, auto", "policy": "one of default, aim"}
        raise BadUsage(
            f"{found or 'request'}: {text}; found {value!r}.", allowed.get(found, "")
        ) from error


def _pairs(options: Any) -> dict[str, Any]:
    if options is None:
        return {}
    if isinstance(options, Mapping):
        return dict(options)
    pairs = (str(one).partition("=") for one in options)
    return {name: value if given else None for name, given, value in pairs}


def _planner(there: Elsewhere) -> Planner:
    return planner(there.machine, **_rules(there))


def _answering(
    request: Request, there: Elsewhere, known: Callable[[Elsewhere], Planner] = _planner
) -> tuple[Request, Planner]:
    """Return what answers, and the request as it is there: a machine that is named wins."""
    options.refuse(request)
    if request.on is None or there.machine is not None:
        return request, known(there)
    return meant(request, **_rules(there))


def _rules(there: Elsewhere) -> dict[str, Any]:
    folders = (there.recipes,) if isinstance(there.recipes, str) else there.recipes
    return {
        "rules": there.policy,
        "fallback": there.fallback,
        "gpu_model": there.gpu_model,
        "catalogue": _catalogue(folders) if folders else None,
    }


def _catalogue(folders: tuple[str, ...]) -> recipes.Catalogue:
    extra = [Path(folder).expanduser() for folder in folders]
    missing = [str(folder) for folder in extra if not folder.is_dir()]
    if missing:
        raise BadUsage(f"There is no recipe folder {missing[0]}.", "name one that exists")
    return recipes.Catalogue([*config.recipe_dirs(), *extra])


def _plain(choice: Choice, made: Plan) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return {**plain, "verdict": choice.verdict}
