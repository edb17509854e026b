"""What a launch would start: here or on a machine that is only spoken of, and why, and as text."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aim_jupyter.core import config, recipes, serving
from aim_jupyter.core.api import sites
from aim_jupyter.core.api.site import machine
from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.core.planning import options, preflight, resolving
from aim_jupyter.core.records import Choice, Machine, Model, Plan
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder

if TYPE_CHECKING:
    from aim_jupyter.core.api.planner import Planner

DEMO = "demo"
_ORDER = {"FITS": 0, "TIGHT": 1, "NO": 2}


def planner(simulated: str | None = None, **asked: Any) -> Planner:
    """Return what answers for this machine as it is now, or for one that is only spoken of.

    Parameters
    ----------
    simulated : str, optional
        Such as ``mi300x:8``.
    **asked
        As `Planner` takes it.
    """
    return _of(machine(simulated), **asked)


def meant(
    request: Request, *, simulated: str | None = None, **asked: Any
) -> tuple[Request, Planner]:
    """Return what answers for the machine that a request is for, and the request as it is there.

    Raises
    ------
    BadUsage, SiteError, UnknownName
        If an option is none of the engine's, before anything is looked at; or if it is for a
        site, and that can't be or does not answer.
    """
    options.refuse(request)
    if simulated is not None:
        return request, planner(simulated, **asked)
    there, here = sites.settled(request)
    return there, _of(here, **asked)


def _of(there: Machine, **asked: Any) -> Planner:
    # Only verbs that judge recipes pay for its import.
    from aim_jupyter.core.api.planner import Planner  # noqa: PLC0415

    return Planner(there, **asked)


def recipe_list(request: Request | None = None, *, simulated: str | None = None) -> list[Choice]:
    """Return every recipe of a request with verdict and reason, the one that `plan` takes first.

    Without a model it is the best recipe of each.

    Raises
    ------
    UnknownName
        If there is no such model; it holds the nearest names.
    """
    asked = request or Request(model="")
    asked, answers = meant(asked, simulated=None if asked.on else simulated)
    if asked.model:
        return list(answers.choices(asked))
    best = answers.best_of_each(asked)
    best.sort(key=lambda choice: (_ORDER[choice.verdict], choice.recipe.model != DEMO))
    return [replace(choice, rank=rank) for rank, choice in enumerate(best, start=1)]


def known_models() -> tuple[Model, ...]:
    """Return the models that have a recipe, by name."""
    return recipes.catalogue().models


def judged(request: Request) -> tuple[Choice, ...]:
    """Return every recipe of a request with verdict and reason, the one that `plan` takes first.

    Raises
    ------
    UnknownName, ModelMissing, GpuUnavailable
    """
    there, answers = meant(request)
    return answers.choices(there)


def plan(request: Request, *, simulated: str | None = None, **asked: Any) -> Plan:
    """Return what `launch` would start, without starting it.

    Parameters
    ----------
    simulated : str, optional
        Such as ``mi300x:8``: what would be started there.
    **asked
        As `Planner` takes it.

    Raises
    ------
    UnknownName, ModelMissing, NoEngine, NoFit, BadUsage
        Each with what was found and what to do: what a launch would be refused for.
    """
    return judged_plan(request, simulated=simulated, **asked)[1]


def judged_plan(
    request: Request, *, simulated: str | None = None, **asked: Any
) -> tuple[Choice, Plan]:
    """Return what `plan` does, and the verdict that its recipe was chosen by."""
    request, answers = meant(request, simulated=simulated, **asked)
    if simulated is not None:
        return answers.plan(request)
    there = running(answers, request)
    if there is not None:
        return _beside(answers, there).plan(request)
    choice, made = answers.plan(request)
    preflight.check(made)
    return choice, made


def running(answers: Planner, request: Request) -> ServerFolder | None:
    """Return the live server that a launch of this would find, None where it starts one.

    A server holds the GPUs that the same launch would be given: each is looked at as if it were
    not there.
    """
    # What it holds may be what is missing: the verdict is no part of the command.
    forced, model = replace(request, force=True), None
    for there in serving.live():
        with contextlib.suppress(AimError):
            old = there.read().plan
            if request.name not in (None, there.name) or model not in (None, old.model):
                continue
            _, made = _beside(answers, there).plan(forced)
            alike = replace(made, among=()).command == replace(old, among=()).command
            if alike and (request.gpus is None or {*old.gpus} <= {*request.gpus}):
                return there
            model = made.model
    return None


def _beside(answers: Planner, there: ServerFolder) -> Planner:
    """Return what answers for the machine as it would be without a server."""
    held = there.read().plan.gpus
    gpus = (
        replace(gpu, state="free", vram_used_bytes=0) if gpu.hip_index in held else gpu
        for gpu in answers.machine.gpus
    )
    return answers.on(replace(answers.machine, gpus=tuple(gpus)))


def last_start_s(made: Plan) -> float | None:
    """Return the seconds that earlier starts of the same plan took, None where there was none."""
    return sum(serving.expected(made).values()) or None


def default_model() -> str:
    """Return the model of a launch that names none: a small real one, where there is no GPU.

    Raises
    ------
    BadUsage
        If there are GPUs: then it is the user who knows what they are for.
    """
    usable = [gpu for gpu in machine().gpus if gpu.usable]
    if usable:
        free = sum(gpu.state == "free" for gpu in usable)
        raise BadUsage(
            f"Which model? {free} of {len(usable)} GPUs are free.",
            "%aim recipes",
        )
    return config.default_model() or resolving.small()
