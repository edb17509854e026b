"""The one way from a request to a plan: Request -> (Machine, Model) -> ranked Choices -> Plan.

Whoever asks goes it: `plan`, `recipes`, `fit` and a launch, the panel and the REST, for this
machine or for one that is only spoken of. What a launch would refuse is refused here, in the same
words.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from typing import Any, Literal

from msgspec import Struct, structs

from aim_jupyter.core import adapters, config, engines, planning, recipes, serving
from aim_jupyter.core import choice as choosing
from aim_jupyter.core.choice import Conditions, Known, amd_rules
from aim_jupyter.core.choice.amd_rules import Question
from aim_jupyter.core.errors import AimError, BadUsage, GpuUnavailable, NoEngine
from aim_jupyter.core.planning import Request, permission, policy, preflight, resolving, words
from aim_jupyter.core.planning.resolving import Found
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR
from aim_jupyter.core.recipes.arguments.options import canonical
from aim_jupyter.core.records import (
    Choice,
    EngineEnvironment,
    Machine,
    Model,
    Plan,
    ProcessId,
    Recipe,
)
from aim_jupyter.core.records.fit import Start

Rules = Literal["default", "aim"]
ELSEWHERE = "planned with the options of {} for {}, the engine of this machine"
UNCHECKED = "no engine is installed here: options go unchecked, and {} is assumed"


class Judged(Struct, frozen=True, kw_only=True):
    """What a request comes to before a plan is made.

    Attributes
    ----------
    request : Request
        As it was asked, its options under the engine's own names.
    choices : tuple of Choice
        The one to take first.
    judge : Fit or None
        What has given the verdicts; None for AMD's rules, which ask nothing of memory.
    """

    request: Request
    model: Model
    conditions: Conditions
    choices: tuple[Choice, ...]
    judge: Any = None


class Planner:
    """Answers for one machine, any number of requests; reads the catalogue once.

    Parameters
    ----------
    catalogue : Catalogue, optional
        Of other recipe folders than the configured ones.
    rules : str
        ``aim`` for AMD's own selection; `fallback` lets it take general profiles.
    gpu_model : str or None
        Take only GPUs of this model; AMD's rules take the word for it, whatever is there.
    engine_version : str or None
        Judge the memory by this version, whatever is installed.
    starts : tuple of Start, optional
        To learn from, else those of this site.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        catalogue: Catalogue | None = None,
        rules: Rules = "default",
        fallback: bool = False,
        gpu_model: str | None = None,
        engine_version: str | None = None,
        starts: tuple[Start, ...] | None = None,
    ) -> None:
        self.machine = self._whole = machine
        self._catalogue = catalogue or recipes.catalogue()
        self._rules, self._fallback, self._gpu_model = rules, fallback, gpu_model
        self._engine_version = engine_version
        self._given_starts = starts
        self._environments: dict[tuple[str | None, str, str], EngineEnvironment] = {}
        if gpu_model and rules == "default":
            self.machine = _only(machine, gpu_model)

    def on(self, machine: Machine) -> Planner:
        """Return the same for another machine of the same engines."""
        other = copy.copy(self)
        other.machine, other._whole = machine, machine  # noqa: SLF001 - a copy of this very one
        return other

    def choices(self, request: Request) -> tuple[Choice, ...]:
        """Return every recipe of a request with verdict and reason, the one to take first.

        Raises
        ------
        UnknownName, ModelMissing, GpuUnavailable, BadUsage
        """
        return self.judged(request).choices

    def judged(
        self, request: Request, *, found: Found | None = None, known: Known | None = None
    ) -> Judged:
        """Return what `choices` does, with what it rests on.

        Parameters
        ----------
        found : Found, optional
            The model, where its name says nothing.
        known : Known, optional
            What whoever asks knows better than the sum.

        Raises
        ------
        UnknownName, ModelMissing, GpuUnavailable, BadUsage
        """
        conditions = self.conditions(request)
        asked = self._in_its_words(request, conditions)
        if self._rules == "aim":
            return self._by_amd(asked, conditions)
        found = found or resolving.find(request.model, self._catalogue)
        self._check_open(request)
        known = structs.replace(known or Known(), online=found.online)
        judge = choosing.Judge(found.model, conditions, starts=self._starts, known=known)
        return Judged(
            request=asked,
            model=found.model,
            conditions=conditions,
            choices=choosing.ranked(found.model, asked, conditions, judge),
            judge=judge,
        )

    def best_of_each(self, request: Request) -> list[Choice]:
        """Return the first recipe of each model; what would fit instead is said for one alone."""
        conditions = self.conditions(request)
        asked = self._in_its_words(request, conditions)
        best = []
        for model in self._catalogue.models:
            judge = choosing.Judge(model, conditions, starts=self._starts)
            first = choosing.best(model, asked, conditions, judge)
            if first is not None:
                line = "" if first.verdict == "FITS" else f"%aim recipes {model.name}"
                best.append(structs.replace(first, try_line=line) if line else first)
        return best

    def plan(self, request: Request) -> tuple[Choice, Plan]:
        """Return what a launch would carry out, and the verdict that its recipe was chosen by.

        Raises
        ------
        AimError
            What a launch would be refused for, in the same words.
        """
        judged = self.judged(request)
        choice = planning.choose(judged.choices, judged.request)
        rules = policy.read()
        permission.model(rules, choice.recipe.weights.repo)
        permission.recipe(choice.recipe, judged.request)
        environment = self.environment(request, choice.recipe)
        placed = resolving.place(choice.recipe, here=not self.machine.simulated)
        called = request.name or serving.name_for(choice.recipe.model)
        asked = structs.replace(judged.request, start=request.start or config.start_mode())
        made = planning.plan(asked, choice, environment, placed, called)
        made = permission.plan(rules, made)
        if request.context is None and "max-model-len" not in request.options:
            made = preflight.shortened(made)
        return choice, structs.replace(
            made,
            asked=words.words(request),
            lives_with=_lives_with(request),
            reasons=choosing.reasons(judged.choices, self._amd(judged)),
            changes=(*made.changes, *self._unchecked(environment)),
        )

    def conditions(self, request: Request) -> Conditions:
        """Return what a request meets on this machine."""
        kind, name = _engine(request)
        platform = _platform(self.machine)
        version = self._engine_version
        if version is None:
            with contextlib.suppress(AimError):
                version = self._environment(name, platform, kind).version
        return Conditions(machine=self.machine, engine=kind, engine_version=version or None)

    def environment(self, request: Request, recipe: Recipe) -> EngineEnvironment:
        """Return the engine environment that would serve a recipe.

        For a machine that is only spoken of it is the one of this machine, else one is assumed.

        Raises
        ------
        NoEngine
            If there is none on this machine.
        """
        platform = "cpu" if recipe.gpu_model == "cpu" else "rocm"
        return self._environment(_engine(request)[1], platform, recipe.engine)

    def _environment(self, name: str | None, platform: str, engine: str) -> EngineEnvironment:
        key = (name, platform, engine)
        if key not in self._environments:
            self._environments[key] = self._looked_for(name, platform, engine)
        return self._environments[key]

    def _looked_for(self, name: str | None, platform: str, engine: str) -> EngineEnvironment:
        if not self.machine.simulated:
            return engines.choose(name, platform=platform, engine=engine)
        for wanted in (platform, None):
            with contextlib.suppress(NoEngine):
                return engines.choose(name, platform=wanted, engine=engine)
        return _assumed(engine, platform)

    def _unchecked(self, environment: EngineEnvironment) -> tuple[str, ...]:
        """Return what to say of an engine that is not the one that would serve."""
        if not environment.usable:
            return (UNCHECKED.format(environment.title),)
        other = self.machine.simulated and environment.platform not in (
            None,
            _platform(self.machine),
        )
        return (ELSEWHERE.format(environment.title, environment.platform),) if other else ()

    def _in_its_words(self, request: Request, conditions: Conditions) -> Request:
        """Return a request with the engine's options under the engine's own names."""
        if not request.options:
            return request
        flags = next(
            (one.flags for one in self._environments.values() if one.engine == conditions.engine),
            (),
        )
        return structs.replace(request, options=canonical(request.options, flags))

    def _check_open(self, request: Request) -> None:
        shut = preflight.closed(self.machine, request.gpus or ())
        if shut is not None:
            # Else who asks for a GPU that can't be opened would get a recipe for the CPU.
            raise shut

    @functools.cached_property
    def _starts(self) -> tuple[Start, ...]:
        return choosing.learned() if self._given_starts is None else self._given_starts

    def _by_amd(self, request: Request, conditions: Conditions) -> Judged:
        question = self._question(request, request.model, profile=request.recipe)
        registry = self._catalogue.registry(request.model)
        selected = amd_rules.select(registry, question)
        if selected.recipe is None:
            line = f"%aim plan {request.model} --policy aim --recipe {{}}"
            found = amd_rules.not_found(question, selected)
            raise amd_rules.NotFound(found, map(line.format, selected.manual))
        model = Model(name=selected.recipe.model or request.model)
        choices = amd_rules.choices(registry, self._whole, question)
        return Judged(request=request, model=model, conditions=conditions, choices=choices)

    def _amd(self, judged: Judged) -> amd_rules.Selected | None:
        """Return what AMD's rules would take, to be said where it differs."""
        if self._rules == "aim" or not judged.model.file:
            return None
        name = judged.model.name
        return amd_rules.select(
            self._catalogue.registry(name), self._question(judged.request, name)
        )

    def _question(self, request: Request, model: str, profile: str | None = None) -> Question:
        gpu, count = amd_rules.gpus_of(self._whole)
        if self._gpu_model:
            gpu, count = self._gpu_model.upper(), 1
        return Question(
            model=model,
            gpu=gpu,
            gpu_count=request.most_gpus or count,
            precision=request.precision,
            metric=request.metric,
            engine=request.engine if adapters.is_known(request.engine) else None,
            profile_id=profile,
            fallback=self._fallback,
        )


def _platform(machine: Machine) -> str:
    return "rocm" if any(gpu.usable for gpu in machine.gpus) else "cpu"


def _engine(request: Request) -> tuple[str, str | None]:
    """Return the engine that is asked for, and the environment where one is asked for by name."""
    if request.engine is None:
        return _engine_of(request.recipe), None
    if adapters.is_known(request.engine):
        return request.engine, None
    return engines.choose(request.engine).engine or WRITTEN_FOR, request.engine


def _engine_of(recipe: str | None) -> str:
    """Return the engine that the id of a recipe names: that of vLLM has none in it."""
    names = (adapter.name for adapter in adapters.known()) if recipe else ()
    return next((name for name in names if f"-{name}-" in f"{recipe}-"), WRITTEN_FOR)


def _assumed(engine: str, platform: str) -> EngineEnvironment:
    """Return an environment that nobody has: for what a plan elsewhere would be given."""
    adapter = adapters.of(engine)
    return EngineEnvironment(
        name="assumed",
        python="python3",
        source="managed",
        engine=engine,
        engine_title=adapter.title,
        platform=platform,
        command=tuple(adapter.command),
        model_option=adapter.model_option,
    )


def _only(machine: Machine, model: str) -> Machine:
    kept = [gpu for gpu in machine.gpus if (gpu.model or "").upper() == model.upper()]
    if not kept:
        there = ", ".join(sorted({gpu.model or "unknown GPU" for gpu in machine.gpus})) or "no GPU"
        raise GpuUnavailable(f"There is no {model} here; this machine has {there}.", "%aim gpus")
    return structs.replace(machine, gpus=tuple(kept))


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
