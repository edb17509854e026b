"""What would have to change: ready commands that do work, each tried before it is offered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import Struct, structs

from aim_jupyter.core import adapters, recipes
from aim_jupyter.core.choice.placement import kinds_of, strangers
from aim_jupyter.core.choice.ranking import BY_HAND, Conditions, Fit, best, judge_all, judge_one
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.gpus import simulated
from aim_jupyter.core.recipes.arguments.options import plain, whole
from aim_jupyter.core.records import Choice, Machine, Model, Recipe
from aim_jupyter.core.records.fit import CounterOffer
from aim_jupyter.core.records.recipe import Offer
from aim_jupyter.core.request import words
from aim_jupyter.core.request.record import Request

MOST = 5
_SIZES = (1, 2, 4, 8)
_LEAST_CONTEXT = 2048

#: The engine's option for a setting of the fit, where a request has no field for it.
_OPTIONS = {
    "kv_dtype": "kv-cache-dtype",
    "quantization": "quantization",
    "max_num_seqs": "max-num-seqs",
    "max_num_batched_tokens": "max-num-batched-tokens",
    "util": "gpu-memory-utilization",
}
#: By which a user has a model spread over GPUs, the least loss first.
_SPREAD = ("data_parallel", "pipeline_parallel", "prefill_context_parallel", "tensor_parallel")
#: How else the field of a request can be said: by an option, which would beat it.
_ALSO = {"context": ("max-model-len",), "recipe": ("tensor-parallel-size",)}


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked, of which model, and what it meets."""

    model: Model
    request: Request
    conditions: Conditions
    fit: Fit

    def changed(self, **fields: Any) -> Asked:
        """Return the same with other fields of the request."""
        also = {name for field in fields for name in _ALSO.get(field, ())}
        return structs.replace(self, request=structs.replace(without(self.request, also), **fields))

    def on(self, machine: Machine) -> Asked:
        """Return the same for another machine."""
        conditions = structs.replace(self.conditions, machine=machine)
        return structs.replace(self, conditions=conditions)

    @property
    def all(self) -> tuple[Choice, ...]:
        """Every recipe in order."""
        return judge_all(self.model, self.request, self.conditions, self.fit)

    @property
    def first(self) -> Choice:
        """The recipe that the request names, else the best."""
        if self.request.recipe is None:
            return self.all[0]
        return judge_one(self.model, self.request, self.conditions, self.fit)

    def of(self, recipe: Recipe) -> Asked:
        """Return the same for one recipe; where an option made it by its size, it still does."""
        if self._sized_by_option:
            return self
        return self.changed(recipe=recipe.id)

    @property
    def _sized_by_option(self) -> bool:
        return any(plain(name) in _ALSO["recipe"] for name in self.request.options)


def ranked(model: Model, request: Request, conditions: Conditions, fit: Fit) -> tuple[Choice, ...]:
    """Return what `judge_all` does, with offers for the first and for the nearest that is refused.

    Raises
    ------
    UnknownName, GpuUnavailable, BadUsage
        As `judge_all`.
    """
    asked = Asked(model=model, request=request, conditions=conditions, fit=fit)
    choices = asked.all
    looked_at = [*choices[:1], *_nearest(choices)]
    return tuple(_advised(asked, one) if one in looked_at else one for one in choices)


def without(request: Request, options: Collection[str]) -> Request:
    """Return a request without some of the engine's options, however they are spelled."""
    kept = {name: value for name, value in request.options.items() if plain(name) not in options}
    return structs.replace(request, options=kept)


def _nearest(choices: Sequence[Choice]) -> Sequence[Choice]:
    """Return the first choice that memory alone refuses, or else the first tight one."""
    for verdict in ("NO", "TIGHT"):
        found = [one for one in choices if one.verdict == verdict and one.total_bytes]
        if found:
            return found[:1]
    return ()


def _advised(asked: Asked, choice: Choice) -> Choice:
    if choice.verdict == "FITS":
        return choice
    if strangers(asked.conditions.machine):
        return structs.replace(choice, try_line="%aim doctor")
    found = tuple(_by_the_fit(asked, choice))
    if not found and choice.rank == 1:
        found = offers(asked, choice)
    return structs.replace(choice, offers=found, try_line=found[0].line if found else None)


def offers(asked: Asked, choice: Choice) -> tuple[Offer, ...]:
    """Return up to five launches near a refused one, the nearest change first.

    On this machine: a shorter context or fewer users for the same recipe, then another recipe.
    Else the smallest machines that would run the model, to plan for.
    """
    found: list[Offer] = []
    for offer in _all(asked, choice):
        if offer.line not in [one.line for one in found]:
            found.append(offer)
        if len(found) == MOST:
            break
    return tuple(found)


def line(request: Request, machine: Machine, *, verb: str = "") -> str:
    """Return the command that asks for the same: a launch here, a plan where nothing can run."""
    verb = verb or ("plan" if machine.simulated else "launch")
    there = ["--machine", machine.host.removeprefix("simulated-")] if machine.simulated else []
    return words.launch((*words.words(request), *there), verb=verb)


def _by_the_fit(asked: Asked, choice: Choice) -> Iterator[Offer]:
    """Yield what the fit would change, each tried as the launch that it is."""
    same = asked.of(choice.recipe)
    gpus = tuple(gpu for gpu in asked.conditions.machine.gpus if gpu.hip_index in choice.gpus)
    if not gpus and choice.recipe.gpu_model != "cpu":
        return  # it is not memory that is missing
    for change in asked.fit.changes(choice, gpus, same.request):
        then = _with(same, choice.recipe, change)
        found = then.first if then else None
        if then and found and _better(found, choice):
            yield Offer(
                line=line(then.request, then.conditions.machine),
                change=_words(change, then.request),
                verdict=found.verdict,
                reason=f"{found.reason};{change.reason.rpartition(';')[2]}",
            )


def _with(same: Asked, recipe: Recipe, change: CounterOffer) -> Asked | None:
    """Return what is asked with one setting of the fit changed, None where no line says it."""
    setting, value = change.setting, change.value
    if setting == "tp":
        larger = sibling(same.model, recipe, value)
        return same.changed(recipe=larger.id) if larger else None
    if setting == "max_model_len":
        return same.changed(context=value) if value >= _LEAST_CONTEXT else None
    if setting == "users":
        return same.changed(users=value)
    bare = without(same.request, {_OPTIONS[setting]})
    options = {**bare.options, _OPTIONS[setting]: str(value)}
    return structs.replace(same, request=structs.replace(bare, options=options))


def _words(change: CounterOffer, request: Request) -> str:
    """Return the part of the line that is new."""
    if change.setting == "tp":
        return f"--recipe {request.recipe}"
    return change.option


def _better(then: Choice, found: Choice) -> bool:
    return then.verdict == "FITS" or (then.verdict == "TIGHT" and found.verdict == "NO")


def sibling(model: Model, recipe: Recipe, tp: int) -> Recipe | None:
    """Return the recipe with the same weights for more GPUs of the same kind."""
    complete = recipes.complete(model, (recipe.gpu_model,))
    alike = (
        one
        for one in complete.recipes
        if one.tp == tp
        and one.gpu_model == recipe.gpu_model
        and one.weights.repo == recipe.weights.repo
        and one.precision == recipe.precision
        and one.engine == recipe.engine
        and not one.manual_only
    )
    return next(alike, None)


def _all(asked: Asked, choice: Choice) -> Iterator[Offer]:
    yield from _narrower(asked, choice)
    yield from _less(asked, choice)
    here = list(_other_recipe(asked))
    yield from here
    if not here:
        yield from _other_machine(asked)


def _less(asked: Asked, choice: Choice) -> Iterator[Offer]:
    """Offer the same recipe for less: a shorter context, or fewer users, in powers of two."""
    same = asked.of(choice.recipe)
    for field, least in (("context", _LEAST_CONTEXT), ("users", 1)):
        for value in _smaller(getattr(asked.request, field), least):
            less = same.changed(**{field: value})
            first = less.first
            if first.verdict == "FITS":
                yield _offer(less, f"--{field} {value}", first)
                break


def _narrower(asked: Asked, choice: Choice) -> Iterator[Offer]:
    """Offer what was to be spread over more GPUs than there are over as many as there are."""
    if choice.gpus:
        return
    engine, options = adapters.of(choice.recipe.engine), asked.request.options
    for way in _SPREAD:
        setting = engine.setting(way)
        name = setting.option if setting else ""
        for count in _smaller(whole(options.get(name)), 1):
            said = {name: str(count)} if count > 1 else {}
            kept = {**without(asked.request, {name}).options, **said}
            less = structs.replace(asked, request=structs.replace(asked.request, options=kept))
            first = less.first
            if first.verdict == "FITS":
                yield _offer(less, f"--{name} {count}", first)
                break


def _smaller(value: Any, least: int) -> Iterator[int]:
    """Yield the powers of two below a number, the largest first."""
    power = 1 << max(0, (value - 1).bit_length() - 1) if isinstance(value, int) else 0
    while least <= power < value:
        yield power
        power //= 2


def _other_recipe(asked: Asked) -> Iterator[Offer]:
    """Offer what fits here when precision, engine and number of GPUs are left open."""
    usual = Conditions(machine=asked.conditions.machine)
    free = asked.changed(recipe=None, precision=None, engine=None, most_gpus=None)
    if asked.conditions.engine != usual.engine:
        free = structs.replace(free, conditions=usual)
    for choice in free.all:
        named = free.changed(recipe=choice.recipe.id)
        if choice.verdict == "FITS":
            yield _offer(named, f"--recipe {choice.recipe.id}", choice)
        elif choice.reason == BY_HAND:
            yield _offer(named, f"--recipe {choice.recipe.id}", named.first)


def _other_machine(asked: Asked) -> Iterator[Offer]:
    """Offer the smallest machine of each kind that runs the model, the machine's own kind first."""
    free = asked.changed(gpus=None, recipe=None, most_gpus=None)
    own = kinds_of(asked.conditions.machine)
    smallest = []
    for kind, row in kinds().items():
        for count in _SIZES:
            there = free.on(simulated.machine(f"{row.key}:{count}"))
            first = best(there.model, there.request, there.conditions, there.fit)
            if first and first.verdict == "FITS" and not first.recipe.manual_only:
                smallest.append((kind not in own, count, kind, there, first))
                break
    for *_, there, first in sorted(smallest, key=lambda one: one[:3]):
        yield _offer(there, "", first)


def _offer(kept: Asked, change: str, choice: Choice) -> Offer:
    machine = kept.conditions.machine
    there = f"--machine {machine.host.removeprefix('simulated-')}" if machine.simulated else ""
    reason = choice.reason if change else f"{choice.recipe.id}: {choice.reason}"
    return Offer(
        line=line(kept.request, machine),
        change=change or there,
        verdict=choice.verdict,
        reason=reason,
    )
