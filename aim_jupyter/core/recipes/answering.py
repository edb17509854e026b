"""One question about a plan, as a dictionary in and out: what scripts and batches use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from aim_jupyter.core import adapters, config
from aim_jupyter.core.errors import AimError, BadUsage, GpuUnavailable, NoFit, UnknownName
from aim_jupyter.core.recipes import selector
from aim_jupyter.core.recipes.adoption import WRITTEN_FOR
from aim_jupyter.core.recipes.advice import offers
from aim_jupyter.core.recipes.arguments import Overrides, Reconciled, reconcile
from aim_jupyter.core.recipes.asked import Asked, Context
from aim_jupyter.core.recipes.catalogue import Catalogue
from aim_jupyter.core.recipes.explanation import reasons, refusal
from aim_jupyter.core.recipes.format import PRECISIONS, Precision
from aim_jupyter.core.recipes.ranking import Fit, judge_all
from aim_jupyter.core.recipes.selector import Question, Selected
from aim_jupyter.core.records import Choice, EngineEnvironment, Machine, Model
from aim_jupyter.core.records.kinds import resolved

Command = Callable[[Choice, Reconciled], Sequence[str]]
"""Returns the whole argv for a choice and its reconciled arguments."""

Judge = Callable[[Model, Machine, Overrides], Fit]
"""Returns what judges the memory of a model's recipes on a machine, started with these options."""


class Parameters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question.

    Attributes
    ----------
    machine : str or None
        Such as ``mi300x:8``; None is this machine.
    policy : str
        ``default``, or ``aim`` for AMD's own rules; `fallback` lets those take general profiles.
    gpu_model : str or None
        Take only GPUs of this model; policy aim takes the word for it, whatever is there.
    most_gpus : int or None
        How many GPUs at most; for policy aim the count that it compares with.
    recipes : str or list of str
        Folders beside the shipped recipes.
    set : dict or list
        Engine options to add or change: ``{"max-model-len": 8192}`` or ``["max-model-len=8192"]``.
    unset : list
        Options and variables to leave out.
    """

    model: str
    machine: str | None = None
    policy: Literal["default", "aim"] = "default"
    fallback: bool = False
    precision: Precision | Literal["auto"] | None = None
    metric: Literal["latency", "throughput", "auto"] | None = None
    engine: str | None = None
    recipe: str | None = None
    gpus: tuple[int, ...] | None = None
    gpu_model: str | None = None
    most_gpus: int | None = None
    users: int | None = None
    context: Context = None
    recipes: str | tuple[str, ...] = ()
    set: dict[str, Any] | tuple[str, ...] = {}
    unset: str | tuple[str, ...] = ()
    env: dict[str, str] = {}


class Refused(NoFit):
    """No plan; `nearest` holds commands that do lead to one."""

    def __init__(self, found: str, nearest: Iterable[str]) -> None:
        self.nearest = list(nearest)
        super().__init__(found, self.nearest[0] if self.nearest else "")


class Asker:
    """Answers questions one after the other, reading each recipe folder once.

    Parameters
    ----------
    machine : callable
        Returns the machine of a specification such as ``mi300x:8``, this one for None.
    environment : EngineEnvironment or None
        The engine whose options count; without one nothing is checked against an engine.
    command : callable or None
        Returns the whole argv; without it, that of a plain ``vllm serve``.
    judge : callable
        Makes the memory verdict.
    """

    def __init__(
        self,
        machine: Callable[[str | None], Machine],
        judge: Judge,
        *,
        environment: EngineEnvironment | None = None,
        command: Command | None = None,
    ) -> None:
        self._machine = machine
        self._environment = environment
        self._command = command or _serve
        self._judge = judge
        self._catalogues: dict[tuple[str, ...], Catalogue] = {}
        self._machines: dict[str | None, Machine] = {}

    def answer(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the plan's parts, or ``{"error": …, "nearest": […]}``."""
        try:
            return self.ask(parameters)
        except AimError as error:
            nearest = getattr(error, "nearest", None) or list(filter(None, [error.hint]))
            return {"error": error.found, "nearest": nearest}

    def ask(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the plan's parts, or raise what is wrong with the question.

        Raises
        ------
        Refused
            If nothing fits, with the commands that do lead to a plan.
        BadUsage, UnknownName
            If the question itself is wrong.
        """
        asked = _parameters(parameters)
        if _auto(asked.engine) is not None:
            adapters.get(asked.engine or "")
        catalogue = self._catalogue(_listed(asked.recipes))
        machine = self._machine_of(asked.machine)
        choices, amd = self._choices(catalogue, machine, asked)
        best = choices[0]
        done = self._reconciled(best, asked)
        return {
            "model": best.recipe.model,
            "recipe_id": best.recipe.id,
            "origin": best.recipe.origin,
            "verdict": best.verdict,
            "argv": list(self._command(best, done)),
            "env": done.env,
            "gpus": list(best.gpus),
            "reasons": list(reasons(choices, amd)),
            "changes": list(done.changes),
        }

    def _machine_of(self, spec: str | None) -> Machine:
        if spec not in self._machines:
            self._machines[spec] = self._machine(spec)
        return self._machines[spec]

    def _catalogue(self, folders: tuple[str, ...]) -> Catalogue:
        if folders not in self._catalogues:
            extra = [Path(folder).expanduser() for folder in folders]
            missing = [str(folder) for folder in extra if not folder.is_dir()]
            if missing:
                raise BadUsage(f"There is no recipe folder {missing[0]}.", "name one that exists")
            self._catalogues[folders] = Catalogue([*config.recipe_dirs(), *extra])
        return self._catalogues[folders]

    def _choices(
        self, catalogue: Catalogue, machine: Machine, asked: Parameters
    ) -> tuple[Sequence[Choice], Selected | None]:
        if asked.policy == "aim":
            return _as_amd(catalogue, machine, asked)
        model, wishes = catalogue.find(asked.model), _asked(asked, self._environment)
        if asked.gpu_model:
            machine = _only(machine, asked.gpu_model)
        fit = self._judge(model, machine, _overrides(asked))
        choices = judge_all(model, machine, wishes, fit)
        if not choices or choices[0].verdict == "NO":
            raise _refusal(model, machine, wishes, choices, fit)
        selected = selector.select(
            catalogue.registry(model.name), _question(model.name, machine, asked)
        )
        return choices, selected

    def _reconciled(self, choice: Choice, asked: Parameters) -> Reconciled:
        engine = self._environment
        if engine is not None and engine.engine != choice.recipe.engine:
            engine = None  # that of another engine: nothing is checked
        done = reconcile(
            choice.recipe.args,
            choice.recipe.env,
            flags=engine.flags if engine else (),
            variables=engine.variables if engine else (),
            overrides=_overrides(asked, choice),
            engine=f"{engine.engine} {engine.version}" if engine else "the engine",
            adapter=adapters.get(choice.recipe.engine),
        )
        if done.errors:
            raise BadUsage(f"{done.errors[0]}.", "; ".join(done.errors[1:]))
        return done


def _refusal(
    model: Model, machine: Machine, wishes: Asked, choices: Sequence[Choice], fit: Fit
) -> Refused:
    if not choices:
        return Refused(f"There is no recipe for {model.name} on this machine.", [])
    nearest = offers(model, machine, wishes, choices[0], fit)
    return Refused(refusal(choices), [one.line for one in nearest])


def _as_amd(
    catalogue: Catalogue, machine: Machine, asked: Parameters
) -> tuple[Sequence[Choice], None]:
    question = _question(asked.model, machine, asked)
    registry = catalogue.registry(asked.model)
    selected = selector.select(registry, question)
    if selected.recipe is None:
        lines = [f"%aim plan {asked.model} --policy aim --recipe {one}" for one in selected.manual]
        raise Refused(selector.not_found(question, selected), lines)
    return selector.choices(registry, machine, question), None


def _parameters(parameters: dict[str, Any]) -> Parameters:
    known = Parameters.__struct_fields__
    for name in parameters:
        if name not in known:
            raise UnknownName("parameter", name, known, f"one of {', '.join(known)}")
    try:
        return msgspec.convert(parameters, resolved(Parameters))
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        found = place.strip("`").removeprefix("$.")
        value = parameters.get(found.partition("[")[0])
        raise BadUsage(f"{found or 'request'}: {text}; found {value!r}.", _values(found)) from error


def _values(field: str) -> str:
    """Return what a parameter may be, for those with a fixed set of values."""
    allowed = {
        "precision": (*PRECISIONS, "auto"),
        "metric": ("latency", "throughput", "auto"),
        "policy": ("default", "aim"),
    }
    return f"one of {', '.join(allowed[field])}" if field in allowed else ""


def _asked(asked: Parameters, engine: EngineEnvironment | None) -> Asked:
    return Asked(
        recipe=asked.recipe,
        gpus=asked.gpus,
        most_gpus=asked.most_gpus,
        precision=_auto(asked.precision),
        metric=_auto(asked.metric),
        engine=_auto(asked.engine) or "vllm",
        engine_version=engine.version if engine else None,
        users=asked.users,
        context=asked.context,
    )


def _question(model: str, machine: Machine, asked: Parameters) -> Question:
    gpu, count = selector.gpus_of(machine)
    if asked.gpu_model:
        gpu, count = asked.gpu_model.upper(), 1
    return Question(
        model=model,
        gpu=gpu,
        gpu_count=asked.most_gpus or count,
        precision=_auto(asked.precision),
        metric=_auto(asked.metric),
        engine=_auto(asked.engine),
        profile_id=asked.recipe if asked.policy == "aim" else None,
        fallback=asked.fallback,
    )


def _only(machine: Machine, model: str) -> Machine:
    kept = [gpu for gpu in machine.gpus if (gpu.model or "").upper() == model.upper()]
    if not kept:
        there = ", ".join(sorted({gpu.model or "unknown GPU" for gpu in machine.gpus})) or "no GPU"
        raise GpuUnavailable(f"There is no {model} here; this machine has {there}.", "%aim gpus")
    return structs.replace(machine, gpus=tuple(kept))


def _auto(value: str | None) -> str | None:
    return None if value == "auto" else value


def _overrides(asked: Parameters, choice: Choice | None = None) -> Overrides:
    """Return the user's options; the context "auto" is what the verdict on `choice` found."""
    wanted = asked.set if isinstance(asked.set, dict) else dict(map(_pair, asked.set))
    found = choice.context_tokens if choice else None
    context = found if asked.context == "auto" else asked.context
    if context is not None:
        wanted = {"max-model-len": context, **wanted}
    return Overrides(set=wanted, unset=_listed(asked.unset), env=asked.env)


def _pair(text: str) -> tuple[str, str | None]:
    name, given, value = text.partition("=")
    return name, value if given else None


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _serve(choice: Choice, done: Reconciled) -> list[str]:
    """Return a plain command; of another engine than vLLM, what follows its own."""
    start = ["vllm", "serve"] if choice.recipe.engine == WRITTEN_FOR else []
    return [*start, choice.recipe.weights.repo, *done.argv]
