"""Every recipe of a model with its verdict on a machine, in one order: policy ``default``.

The order, each point deciding only what those before it left open:

1. the recipe that was asked for by id,
2. FITS before TIGHT before NO,
3. what may be chosen by itself before manual-only,
4. what is for this machine's GPUs before what is for others; where nothing fits that may be chosen
   by itself, the order of these three is 4, 3, 2,
5. what serves the metric asked for before what is tuned for the other,
6. what somebody has run before what a rule says: user and measured, amd-validated, published,
   derived,
7. the fewest GPUs; for latency, of what fits, the most that help, up to four times the fewest,
8. the precision that keeps most of the model: bf16, fp16, fp32, fp8, mxfp8, int8, mxfp6, mxfp4,
   fp4, int4,
9. the maker's own weights before somebody else's,
10. the id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol, TypeVar

from msgspec import structs

from aim_jupyter.core.errors import GpuUnavailable, UnknownName
from aim_jupyter.core.recipes.adoption import WRITTEN_FOR, adopt
from aim_jupyter.core.recipes.asked import Asked, Context
from aim_jupyter.core.recipes.derivation import complete
from aim_jupyter.core.recipes.hardware import kinds
from aim_jupyter.core.recipes.placement import Devices, kinds_of
from aim_jupyter.core.recipes.versions import holds_for
from aim_jupyter.core.records import Choice, Gpu, Machine, Model, Offer, Recipe

Key = TypeVar("Key")
Found = TypeVar("Found")


class Fit(Protocol):
    """The memory verdict on one model's recipes; this domain knows nothing of memory itself."""

    def __call__(
        self, choice: Choice, gpus: tuple[Gpu, ...], users: int | None, context: Context
    ) -> Choice:
        """Return a choice that was placed on `gpus`, none for the CPU, with its verdict."""

    def offers(self, choice: Choice, users: int | None, context: Context) -> tuple[Offer, ...]:
        """Return launches near a judged choice that would fit better, each of them checked."""


BY_HAND = "manual only: take it with --recipe"
"""Why a recipe that would fit is refused."""

_VERDICTS = ("FITS", "TIGHT", "NO")
_ORIGINS = {"user": 0, "measured": 0, "amd-validated": 1, "published": 2, "derived": 3}
_PRECISIONS = (
    "bf16", "fp16", "fp32", "fp8", "mxfp8", "int8", "mxfp6", "mxfp4", "fp4", "int4",
)  # fmt: skip
_HELPS = 4


def judge_all(model: Model, machine: Machine, asked: Asked, fit: Fit) -> tuple[Choice, ...]:
    """Return every recipe of `model` with verdict and reason, the one to take first.

    Those that somebody wrote are all there; derived ones are for the machine's own GPUs.

    Raises
    ------
    UnknownName
        If the model has no recipe with the id that was asked for.
    GpuUnavailable
        If a GPU that was asked for is not there.
    """
    recipes, where = _prepared(model, machine, asked)
    return _ranked([_judge(one, where, fit) for one in recipes], where)


def best(model: Model, machine: Machine, asked: Asked, fit: Fit) -> Choice | None:
    """Return the first of what `judge_all` returns, None where there is nothing.

    The recipes are taken in the order that they would have if all of them fitted: the first that
    does, and may be chosen by itself, is it, and the others need no verdict.
    """
    recipes, where = _prepared(model, machine, asked)
    # A recipe that was asked for comes first whatever its verdict, and how many GPUs help the
    # latency depends on what fits at all.
    if asked.recipe is not None or asked.metric == "latency":
        return next(iter(_ranked([_judge(one, where, fit) for one in recipes], where)), None)
    view = _View(asked, where.kinds or ("cpu",), fewest=1, auto_fits=True)
    fitting = [Choice(recipe=one, verdict="FITS", reason="") for one in recipes]
    judged = []
    for choice in sorted(fitting, key=lambda choice: _order(choice, view)):
        judged.append(_judge(choice.recipe, where, fit))
        if judged[-1].verdict == "FITS" and not choice.recipe.manual_only:
            return structs.replace(judged[-1], rank=1)
    return next(iter(_ranked(judged, where)), None)


def _prepared(model: Model, machine: Machine, asked: Asked) -> tuple[tuple[Recipe, ...], _Where]:
    _check_gpus(machine, asked.gpus)
    return _completed(model, machine, asked).recipes, _Where(machine, asked)


def _ranked(judged: list[Choice], where: _Where) -> tuple[Choice, ...]:
    asked = where.asked
    fewest = min((one.recipe.tp for one in judged if one.verdict != "NO"), default=1)
    auto = any(one.verdict == "FITS" and not one.recipe.manual_only for one in judged)
    view = _View(asked, where.kinds or ("cpu",), fewest, auto)
    ordered = sorted(judged, key=lambda choice: _order(choice, view))
    ordered[:1] = [_not_by_itself(choice, asked) for choice in ordered[:1]]
    return tuple(structs.replace(choice, rank=place) for place, choice in enumerate(ordered, 1))


def _not_by_itself(choice: Choice, asked: Asked) -> Choice:
    """Return the first choice, refused where it is manual-only: nothing else would run."""
    recipe = choice.recipe
    if not recipe.manual_only or recipe.id == asked.recipe or choice.verdict == "NO":
        return choice
    return structs.replace(choice, verdict="NO", reason=BY_HAND)


def _completed(model: Model, machine: Machine, asked: Asked) -> Model:
    recipe = asked.recipe
    found = adopt(complete(model, kinds_of(machine) or ("cpu",)), asked.engine)
    if recipe is None or any(one.id == recipe for one in found.recipes):
        return found
    known = adopt(complete(model, ("cpu", *kinds())), asked.engine)
    if any(one.id == recipe for one in known.recipes):
        return known
    ids = [one.id for one in known.recipes]
    raise UnknownName("recipe", recipe, ids, f"%aim recipes {model.name}")


def _check_gpus(machine: Machine, gpus: Iterable[int] | None) -> None:
    there = [gpu.hip_index for gpu in machine.gpus if gpu.hip_index is not None]
    missing = [str(wanted) for wanted in gpus or () if wanted not in there]
    if missing:
        have = ", ".join(map(str, there)) or "none"
        raise GpuUnavailable(
            f"There is no GPU {', '.join(missing)}; this machine has {have}.", "%aim gpus"
        )


class _Where:
    """The machine, as all recipes of a model find it."""

    def __init__(self, machine: Machine, asked: Asked) -> None:
        self.asked = asked
        self.kinds = kinds_of(machine)
        self._machine = machine
        self._devices: dict[str, Devices | GpuUnavailable] = {}
        self._places: dict[tuple[str, int], tuple[Gpu, ...] | GpuUnavailable] = {}

    def place(self, recipe: Recipe) -> tuple[Gpu, ...]:
        """Return the devices of a recipe; looked for once for all that want the same.

        Raises
        ------
        GpuUnavailable
            If there are not so many.
        """
        if recipe.gpu_model == "cpu":
            return ()
        kind, wanted = recipe.gpu_model, (recipe.gpu_model, recipe.tp)
        devices = _once(self._devices, kind, lambda: Devices(self._machine, kind, self.asked.gpus))
        return _once(self._places, wanted, lambda: devices.place(recipe.tp))


def _once(known: dict[Key, Found | GpuUnavailable], key: Key, look: Callable[[], Found]) -> Found:
    """Return what was found before, or look; that nothing is there is known as well."""
    if key not in known:
        try:
            known[key] = look()
        except GpuUnavailable as error:
            known[key] = error
    found = known[key]
    if isinstance(found, GpuUnavailable):
        raise found
    return found


def _judge(recipe: Recipe, where: _Where, fit: Fit) -> Choice:
    asked = where.asked
    refused = _refusal(recipe, where)
    if refused:
        return Choice(recipe=recipe, verdict="NO", reason=refused[:50])
    try:
        gpus = where.place(recipe)
    except GpuUnavailable as error:
        return Choice(recipe=recipe, verdict="NO", reason=error.found)
    ordinals = tuple(gpu.hip_index or 0 for gpu in gpus)
    placed = Choice(recipe=recipe, verdict="NO", reason="not judged", gpus=ordinals)
    choice = fit(placed, gpus, asked.users, asked.context)
    evidence = "tested" if recipe.origin == "measured" else choice.evidence
    return _marked(structs.replace(choice, evidence=evidence))


def _refusal(recipe: Recipe, where: _Where) -> str:
    """Return why a recipe is out of the question, before any device is looked at."""
    asked = where.asked
    if recipe.engine != asked.engine:
        return f"for {recipe.engine}; ask for it with --engine"
    if not holds_for(recipe.engines, recipe.engine, asked.engine_version):
        return f"wants {recipe.engines}; installed is {asked.engine_version}"
    if asked.precision not in (None, "auto", recipe.precision, _amd_name(recipe.precision)):
        return f"is {recipe.precision}; {asked.precision} was asked for"
    if asked.most_gpus and recipe.gpu_model != "cpu" and recipe.tp > asked.most_gpus:
        return f"takes {recipe.tp} GPUs; at most {asked.most_gpus} asked for"
    if recipe.gpu_model == "cpu" and where.kinds:
        return f"for CPU; this machine has {', '.join(where.kinds)}"
    return ""


def _amd_name(precision: str) -> str:
    return "fp4" if precision == "mxfp4" else precision


def _marked(choice: Choice) -> Choice:
    """Say what a verdict leaves open: how vLLM uses memory is all that the fit knows."""
    endings = ["; by vLLM's rules"] * (choice.recipe.engine != WRITTEN_FOR)
    endings += ["; manual only"] * choice.recipe.manual_only
    ending = "".join(endings)
    return structs.replace(choice, reason=choice.reason[: 50 - len(ending)] + ending)


class _View(NamedTuple):
    """What the order depends on beside the choice itself."""

    asked: Asked
    kinds: tuple[str, ...]
    fewest: int
    auto_fits: bool


def _order(choice: Choice, view: _View) -> tuple[object, ...]:
    recipe, asked = choice.recipe, view.asked
    points = (
        _VERDICTS.index(choice.verdict),
        recipe.manual_only,
        recipe.gpu_model not in view.kinds,
    )
    spread = asked.metric == "latency" and choice.verdict != "NO"
    return (
        recipe.id != asked.recipe,
        points if view.auto_fits else points[::-1],
        recipe.metric not in ("any", asked.metric or recipe.metric),
        _ORIGINS[recipe.origin],
        _sizes(recipe.tp, view.fewest, spread=spread),
        _PRECISIONS.index(recipe.precision),
        recipe.weights.repo != recipe.model,
        recipe.id,
    )


def _sizes(tp: int, fewest: int, *, spread: bool) -> tuple[bool, int]:
    too_many = tp > _HELPS * fewest
    return (too_many, -tp if spread and not too_many else tp)
