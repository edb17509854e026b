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

from aim_jupyter.core import choice as choosing
from aim_jupyter.core import config, planning, recipes, serving
from aim_jupyter.core.api.amd import Amd
from aim_jupyter.core.api.environments import Environments
from aim_jupyter.core.checkpoint.abilities import abilities
from aim_jupyter.core.choice import Conditions, Known
from aim_jupyter.core.choice.amd_rules import Selected
from aim_jupyter.core.errors import BadUsage, GpuUnavailable, NoFit
from aim_jupyter.core.planning import beside, permission, policy, preflight, resolving
from aim_jupyter.core.planning.resolving import Found
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.recipes.arguments.options import canonical
from aim_jupyter.core.records import (
    Choice,
    Machine,
    Model,
    Plan,
    ProcessId,
)
from aim_jupyter.core.records.fit import Start
from aim_jupyter.core.request import Request, words

Rules = Literal["default", "aim"]


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
        self._whole = machine
        self._catalogue = catalogue or recipes.catalogue()
        self._rules, self._fallback, self._gpu_model = rules, fallback, gpu_model
        self._given_starts = starts
        only = gpu_model if rules == "default" else None
        self.machine = _only(machine, only) if only else machine
        self._environments = Environments(self.machine, engine_version)

    def on(self, machine: Machine) -> Planner:
        """Return the same for another machine of the same engines."""
        other = copy.copy(self)
        other.machine = other._whole = machine  # noqa: SLF001 - a copy of this very one
        other._environments = self._environments.on(machine)  # noqa: SLF001
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
        conditions = self._environments.conditions(request)
        asked = self._in_its_words(request, conditions)
        if self._rules == "aim":
            model, choices = self._amd.choices(asked)
            choices = tuple(_able(model, one, asked) for one in choices)
            return Judged(request=asked, model=model, conditions=conditions, choices=choices)
        found = found or resolving.find(request.model, self._catalogue)
        self._check_open(request)
        known = structs.replace(known or Known(), online=found.online)
        judge = choosing.Judge(found.model, conditions, starts=self._starts, known=known)
        ranked = choosing.ranked(found.model, asked, conditions, judge)
        return Judged(
            request=asked,
            model=found.model,
            conditions=conditions,
            choices=tuple(_able(found.model, one, asked) for one in ranked),
            judge=judge,
        )

    def best_of_each(self, request: Request) -> list[Choice]:
        """Return the first recipe of each model; what would fit instead is said for one alone."""
        conditions = self._environments.conditions(request)
        asked = self._in_its_words(request, conditions)
        best = []
        for model in self._catalogue.models:
            judge = choosing.Judge(model, conditions, starts=self._starts)
            first = choosing.best(model, asked, conditions, judge)
            if first is not None:
                line = "" if first.verdict == "FITS" else f"%aim recipes {model.name}"
                first = _able(model, first, asked)
                best.append(structs.replace(first, try_line=line) if line else first)
        return best

    def plan(self, request: Request) -> tuple[Choice, Plan]:
        """Return what a launch would carry out, and the verdict that its recipe was chosen by.

        Raises
        ------
        AimError
            What a launch would be refused for, in the same words.
        """
        judged, choice = self._chosen(request)
        rules = policy.read()
        permission.model(rules, choice.recipe.weights.repo)
        permission.recipe(choice.recipe, judged.request)
        environment = self._environments.serving(request, choice.recipe)
        placed = resolving.streamed(choice.recipe, judged.request.options) or resolving.place(
            choice.recipe, here=not self.machine.simulated
        )
        called = request.name or serving.name_for(choice.recipe.model)
        asked = structs.replace(judged.request, start=request.start or config.start_mode())
        made = planning.plan(asked, choice, environment, placed, called)
        made = permission.plan(rules, made)
        made = beside.with_drafter(made, here=not self.machine.simulated)
        if request.context is None and "max-model-len" not in request.options:
            made = preflight.shortened(made)
        tried = self._dry_start(judged, choice, made) if request.dry_start else ()
        return choice, structs.replace(
            made,
            asked=words.words(request),
            lives_with=_lives_with(request),
            reasons=(*tried, *choosing.reasons(judged.choices, self._amds(judged))),
            changes=(*made.changes, *self._environments.remarks(environment)),
        )

    def _chosen(self, request: Request) -> tuple[Judged, Choice]:
        """Return the choice of a request; of one that waits in line, on GPUs that are taken now.

        Raises
        ------
        NoFit
            If none fits, with the line that waits where it would once GPUs are free.
        """
        judged = self.judged(request)
        try:
            choice = planning.choose(judged.choices, judged.request)
        except NoFit as refused:
            waits = self._once_free(request)
            if waits is None:
                raise
            if request.queue:
                return waits
            hint = refused.hint
            if not hint.startswith("%aim launch ") or "--force" in hint.split():
                hint = words.line(words.wishes(structs.replace(request, queue=True)))
            raise NoFit(refused.found, hint, refused.refused) from None
        forced = choice.verdict == "NO" and not choice.gpus and choice.recipe.gpu_model != "cpu"
        waits = self._once_free(request) if request.queue and forced else None
        return waits or (judged, choice)

    def _once_free(self, request: Request) -> tuple[Judged, Choice] | None:
        """Return what would be chosen if nobody held a GPU; None where no GPU is what is missing.

        How many a site has, and who waits for them, is its own business.
        """
        taken = [gpu for gpu in self.machine.gpus if gpu.state in ("busy", "unexplained")]
        if request.on or not taken:
            return None
        gpus = tuple(
            structs.replace(gpu, state="free", vram_used_bytes=0) if gpu in taken else gpu
            for gpu in self.machine.gpus
        )
        judged = self.on(structs.replace(self.machine, gpus=gpus)).judged(request)
        with contextlib.suppress(NoFit):
            choice = planning.choose(judged.choices, judged.request)
            return (judged, choice) if choice.gpus else None
        return None

    def _dry_start(self, judged: Judged, choice: Choice, made: Plan) -> tuple[str, ...]:
        if judged.judge is None:
            return ()
        gpus = tuple(gpu for gpu in self.machine.gpus if gpu.hip_index in choice.gpus)
        return (judged.judge.dry_start(choice, gpus, judged.request, made),)

    def _in_its_words(self, request: Request, conditions: Conditions) -> Request:
        """Return a request with the engine's options under the engine's own names."""
        if not request.options:
            return request
        flags = self._environments.flags(conditions.engine)
        return structs.replace(request, options=canonical(request.options, flags))

    def _check_open(self, request: Request) -> None:
        shut = preflight.closed(self.machine, request.gpus or ())
        if shut is not None:
            # Else who asks for a GPU that can't be opened would get a recipe for the CPU.
            raise shut

    @functools.cached_property
    def _starts(self) -> tuple[Start, ...]:
        return choosing.learned() if self._given_starts is None else self._given_starts

    @property
    def _amd(self) -> Amd:
        return Amd(
            catalogue=self._catalogue,
            machine=self._whole,
            fallback=self._fallback,
            gpu_model=self._gpu_model,
        )

    def _amds(self, judged: Judged) -> Selected | None:
        """Return what AMD's rules would take, to be said where it differs."""
        if self._rules == "aim" or not judged.model.file:
            return None
        return self._amd.taken(judged.request, judged.model.name)


def _only(machine: Machine, model: str) -> Machine:
    kept = [gpu for gpu in machine.gpus if (gpu.model or "").upper() == model.upper()]
    if not kept:
        there = ", ".join(sorted({gpu.model or "unknown GPU" for gpu in machine.gpus})) or "no GPU"
        raise GpuUnavailable(f"There is no {model} here; this machine has {there}.", "%aim gpus")
    return structs.replace(machine, gpus=tuple(kept))


def _able(model: Model, choice: Choice, request: Request) -> Choice:
    """Return a choice with what the model does when it is served so."""
    said = {**choice.recipe.args, **request.options}
    args = {name: value for name, value in said.items() if name not in request.unset}
    return structs.replace(choice, does=abilities(model.facts, args, model.does))


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
