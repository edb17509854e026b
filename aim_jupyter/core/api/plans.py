"""From a model to a plan: recipes, the fit, and what a launch would start."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aim_jupyter.core import (
    adapters,
    config,
    engines,
    permission,
    planning,
    policy,
    preflight,
    recipes,
    resolving,
    serving,
    wishes,
)
from aim_jupyter.core import gpus as detection
from aim_jupyter.core.api.site import engine_for, machine, version_for
from aim_jupyter.core.errors import AimError, BadUsage, NoFit
from aim_jupyter.core.planning import Request
from aim_jupyter.core.recipes import Overrides, authoring
from aim_jupyter.core.recipes import export as exporting
from aim_jupyter.core.recipes.asked import Context
from aim_jupyter.core.records import Choice, Machine, Model, Plan, ProcessId

if TYPE_CHECKING:
    from aim_jupyter.core.fitting import Answered
    from aim_jupyter.core.records.fit import Start

DEMO = "demo"
DEFAULT_ENGINE = "vllm"


def recipe_list(
    model: str | None = None,
    *,
    users: int | None = None,
    context: Context = None,
    gpus: tuple[int, ...] | None = None,
    simulated: str | None = None,
) -> list[Choice]:
    """Return every recipe of `model`, or the best of each model, with verdict and reason.

    Parameters
    ----------
    gpus : tuple of int, optional
        Place the recipes of `model` on these alone, by HIP ordinal.

    Raises
    ------
    UnknownName
        If there is no such model; it holds the nearest names.
    """
    here = machine(simulated)
    if model is not None:
        found = resolving.model(model)
        judge = _judge(found, here)
        ranked = recipes.rank(found, here, judge, users=users, context=context, gpus=gpus)
        return [_with_evidence(choice) for choice in ranked]
    best = _best_of_each(here, recipes.Asked(users=users, context=context))
    order = {"FITS": 0, "TIGHT": 1, "NO": 2}
    best.sort(key=lambda choice: (order[choice.verdict], choice.recipe.model != DEMO))
    return [replace(_with_evidence(choice), rank=rank) for rank, choice in enumerate(best, start=1)]


def with_first(model: Model, recipe: str | None) -> tuple[Choice, ...]:
    """Return the recipes of a model on this machine, the one that is named first."""
    here = machine()
    judge = _judge(model, here)
    return recipes.rank(model, here, judge, recipe=recipe, engine=_engine_of(recipe))


def known_models() -> tuple[Model, ...]:
    """Return the models that have a recipe, by name."""
    return recipes.catalogue().models


def _best_of_each(here: Machine, asked: recipes.Asked) -> list[Choice]:
    """Return the first recipe of each model; what would fit instead is said for one model alone."""
    more = {"engine_version": version_for(here), "starts": _fitting().learned()}
    best = []
    for model in recipes.catalogue().models:
        judge = _fitting().Judge(model, here, **more)
        choice = recipes.best(model, here, asked, judge)
        if choice is not None:
            fits = choice.verdict == "FITS"
            best.append(choice if fits else replace(choice, try_line=f"%aim recipes {model.name}"))
    return best


def _judge(
    model: Model, here: Machine, asked: Overrides | None = None, version: str | None = None
) -> recipes.Fit:
    """Return what judges the memory of a model's recipes, started with these options."""
    wanted = asked or Overrides()
    judge: recipes.Fit = _fitting().Judge(
        model,
        here,
        options=wanted.set,
        unset=wanted.unset,
        engine_version=version or version_for(here),
    )
    return judge


def fit(parameters: Mapping[str, Any]) -> Answered:
    """Return whether something will fit: the verdict with its sum, and what would fit instead.

    Parameters
    ----------
    parameters : mapping
        As `core.fit.answer` takes them; without ``machine`` it is this one, as it is now.

    Raises
    ------
    BadUsage, UnknownName
        If the question itself is wrong.
    """
    here = {} if parameters.get("machine") else {"engine_version": version_for(machine())}
    answered: Answered = _fitting().Asker(resolving.model, online=True).ask({**here, **parameters})
    return answered


def fits(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield a plain answer for each question, a line of JSON; the Hub is not asked."""
    answers: Iterator[dict[str, Any]] = _fitting().Asker(recipes.catalogue().find).answers(lines)
    return answers


def starts() -> list[Start]:
    """Return all starts on this site, the newest first: what was predicted, and what it took.

    Raises
    ------
    StateUnusable
        If their file can't be read.
    """
    found: list[Start] = _fitting().history()
    return found


def _fitting() -> ModuleType:
    """Return `core.fitting`: only verbs that judge recipes pay for its import."""
    from aim_jupyter.core import fitting  # noqa: PLC0415

    return fitting


def _with_evidence(choice: Choice) -> Choice:
    """Say "tested" of settings that were measured with this tool, on that kind of device."""
    return replace(choice, evidence="tested") if choice.recipe.origin == "measured" else choice


def plan(request: Request) -> Plan:
    """Return what `launch` would start, without starting it.

    Raises
    ------
    UnknownName, ModelMissing, NoEngine, NoFit, BadUsage
        Each with what was found and what to do.
    """
    return judged_plan(request)[1]


def judged_plan(request: Request) -> tuple[Choice, Plan]:
    """Return what `plan` does, and the verdict that its recipe was chosen by."""
    choice = planning.choose(judged(request), request)
    rules = policy.read()
    permission.model(rules, choice.recipe.weights.repo)
    permission.recipe(choice.recipe, request)
    platform = "cpu" if choice.recipe.gpu_model == "cpu" else "rocm"
    _, name = _engine(request)
    environment = engines.choose(name, platform=platform, engine=choice.recipe.engine)
    placed = resolving.place(choice.recipe)
    called = request.name or serving.name_for(choice.recipe.model)
    asked = replace(request, start=request.start or config.start_mode())
    made = planning.plan(asked, choice, environment, placed, called)
    allowed = permission.plan(rules, made, request.options)
    return choice, replace(allowed, asked=wishes.words(request), lives_with=_lives_with(request))


def _lives_with(request: Request) -> ProcessId | None:
    """Return the Jupyter server with which a server is to end, None where it outlives it.

    Who asks for it without one above is told so; the administrator's ``AIM_WITH_JUPYTER`` means
    what is launched from Jupyter, and no other.
    """
    if request.with_jupyter:
        return serving.jupyter_server()
    with contextlib.suppress(BadUsage):
        return serving.jupyter_server() if config.with_jupyter() else None
    return None


def judged(request: Request) -> tuple[Choice, ...]:
    """Return every recipe of a request with verdict and reason, the one that `plan` takes first.

    Raises
    ------
    UnknownName, ModelMissing, GpuUnavailable
    """
    model = resolving.model(request.model)
    here = machine()
    shut = preflight.closed(here, request.gpus or ())
    if shut is not None:
        # Else who asks for a GPU that can't be opened would get a recipe for the CPU.
        raise shut
    kind, _ = _engine(request)
    version = installed.version if (installed := engine_for(here, kind)) else None
    return recipes.rank(
        model,
        here,
        # The memory of other engines is judged by vLLM's rules, those of the vLLM that is here.
        _judge(
            model,
            here,
            Overrides(set=request.options, unset=request.unset),
            version if kind == DEFAULT_ENGINE else None,
        ),
        users=request.users,
        context=request.context,
        recipe=request.recipe,
        gpus=request.gpus,
        most_gpus=request.most_gpus,
        precision=request.precision,
        metric=request.metric,
        engine=kind,
        engine_version=version,
    )


def _engine(request: Request) -> tuple[str, str | None]:
    """Return the engine that is asked for, and the environment where one is asked for by name."""
    if request.engine is None:
        return _engine_of(request.recipe), None
    if adapters.is_known(request.engine):
        return request.engine, None
    return engines.choose(request.engine).engine or DEFAULT_ENGINE, request.engine


def _engine_of(recipe: str | None) -> str:
    """Return the engine that the id of a recipe names: that of vLLM has none in it."""
    names = (adapter.name for adapter in adapters.known()) if recipe else ()
    return next((name for name in names if f"-{name}-" in f"{recipe}-"), DEFAULT_ENGINE)


def last_start_s(made: Plan) -> float | None:
    """Return the seconds that earlier starts of the same plan took, None where there was none."""
    return sum(serving.expected(made).values()) or None


def new_recipe(model: str, recipe: str | None = None) -> str:
    """Return the text of a recipe file of one's own, started from the recipe that would be chosen.

    Parameters
    ----------
    recipe : str, optional
        Id of another recipe to start from.
    """
    known = resolving.model(model)
    ranked = with_first(known, recipe)
    if not ranked:
        raise NoFit(f"There is no recipe for {model} to start from.", "%aim recipes")
    return authoring.new(known, ranked[0].recipe)


def check_recipe(file: Path) -> Model:
    """Return what a recipe file holds.

    Raises
    ------
    RecipeInvalid
        Naming file, line, what was expected and what was found.
    """
    return authoring.check(file)


def export(request: Request, target: str) -> str:
    """Return a plan for another place: a shell, docker, AMD's runtime, Kubernetes.

    Raises
    ------
    BadUsage
        If there is no such form.
    """
    made = plan(request)
    ranked = with_first(resolving.model(request.model), made.recipe_id)
    return exporting.export(made, ranked[0].recipe, target)


def plan_for(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a plan as plain data, also for a machine that is not there, or by AMD's own rules.

    Parameters
    ----------
    parameters : dict
        As `recipes.Asker` takes them: ``model machine precision metric policy fallback recipes …``.

    Raises
    ------
    NoFit, BadUsage, UnknownName
        With the nearest launches that do work.
    """
    return _asker().ask(parameters)


def plans_for(lines: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the answer to each of many questions; a failure is an answer with an ``error``."""
    asker = _asker()
    return (asker.answer(parameters) for parameters in lines)


def _asker() -> recipes.Asker:
    try:
        environment = engines.choose()
    except AimError:
        # A plan for elsewhere needs no engine here; its options then go unchecked.
        environment = None
    return recipes.Asker(detection.machine, _judge, environment=environment)


def default_model() -> str:
    """Return the model of a launch that names none: the demo, where there is no GPU.

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
            "%aim recipes shows what fits, then %aim launch MODEL",
        )
    return DEMO
