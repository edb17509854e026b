"""Every recipe of a model with its verdict on a machine, in one order: policy ``default``.

The order, each point deciding only what those before it left open:

1. the recipe that was asked for by id,
2. FITS before TIGHT before NO,
3. what may be chosen by itself before manual-only,
4. what is for this machine's GPUs before what is for others; where nothing fits that may be chosen
   by itself, the order of these three is 4, 3, 2, and what lacks least memory comes before others,
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

from msgspec import Struct, structs

from aim_jupyter.core.choice.built import is_built
from aim_jupyter.core.choice.placement import Devices, kinds_of, models_of, strangers, usable
from aim_jupyter.core.choice.sizing import sized
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.errors import GpuUnavailable, UnknownName
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR, adopt
from aim_jupyter.core.recipes.arguments.parallel import parallel, tensor
from aim_jupyter.core.recipes.derivation import complete
from aim_jupyter.core.records import Choice, Gpu, Machine, Model, Recipe
from aim_jupyter.core.records.fit import CounterOffer
from aim_jupyter.core.records.recipe import Evidence
from aim_jupyter.core.request.record import Request
from aim_jupyter.core.versions import holds_for

Key = TypeVar("Key")
Found = TypeVar("Found")


class Conditions(Struct, frozen=True, kw_only=True):
    """What a request meets: the machine, real or not, and the engine that would serve there.

    Attributes
    ----------
    engine_version : str or None
        None lets any version pass.
    """

    machine: Machine
    engine: str = WRITTEN_FOR
    engine_version: str | None = None


class Fit(Protocol):
    """The memory verdict on one model's recipes; the order knows nothing of memory itself."""

    def __call__(self, choice: Choice, gpus: tuple[Gpu, ...], request: Request) -> Choice:
        """Return a choice that was placed on `gpus`, none for the CPU, with its verdict."""

    def changes(
        self, choice: Choice, gpus: tuple[Gpu, ...], request: Request
    ) -> tuple[CounterOffer, ...]:
        """Return what could be changed for a judged choice to fit better."""


BY_HAND = "manual only: take it with --recipe"
"""Why a recipe that would fit is refused."""

_VERDICTS = ("FITS", "TIGHT", "NO")
_ORIGINS = {"user": 0, "measured": 0, "amd-validated": 1, "published": 2, "derived": 3}
_PRECISIONS = (
    "bf16", "fp16", "fp32", "fp8", "mxfp8", "int8", "mxfp6", "mxfp4", "fp4", "int4",
)  # fmt: skip
_HELPS = 4


def judge_all(
    model: Model, request: Request, conditions: Conditions, fit: Fit
) -> tuple[Choice, ...]:
    """Return every recipe of `model` with verdict and reason, the one to take first.

    Those that somebody wrote are all there; derived ones are for the machine's own GPUs.

    Raises
    ------
    UnknownName
        If the model has no recipe with the id that was asked for.
    GpuUnavailable
        If a GPU that was asked for is not there.
    BadUsage
        If an option that spreads the model says no number.
    """
    recipes, where = _prepared(model, request, conditions)
    return _ranked([_judge(one, where, fit) for one in recipes], where)


def best(model: Model, request: Request, conditions: Conditions, fit: Fit) -> Choice | None:
    """Return the first of what `judge_all` returns, None where there is nothing.

    The recipes are taken in the order that they would have if all of them fitted: the first that
    does, and may be chosen by itself, is it, and the others need no verdict.
    """
    recipes, where = _prepared(model, request, conditions)
    # A recipe that was asked for comes first whatever its verdict, and how many GPUs help the
    # latency depends on what fits at all.
    if request.recipe is not None or request.metric == "latency":
        return next(iter(_ranked([_judge(one, where, fit) for one in recipes], where)), None)
    view = _View(
        request, where.preferred, 1, auto_fits=True, tensor=where.tensor, engine=conditions.engine
    )
    fitting = [Choice(recipe=one, verdict="FITS", reason="") for one in recipes]
    judged = []
    for choice in sorted(fitting, key=lambda choice: _order(choice, view)):
        judged.append(_judge(choice.recipe, where, fit))
        if judged[-1].verdict == "FITS" and not choice.recipe.manual_only:
            return structs.replace(judged[-1], rank=1)
    return next(iter(_ranked(judged, where)), None)


def judge_one(model: Model, request: Request, conditions: Conditions, fit: Fit) -> Choice:
    """Return the recipe that a request names: what `judge_all` has first for that request.

    Raises
    ------
    UnknownName, GpuUnavailable, BadUsage
        As `judge_all`.
    """
    recipes, where = _prepared(model, request, conditions)
    recipe = next(one for one in recipes if one.id == request.recipe)
    return structs.replace(_judge(recipe, where, fit), rank=1)


def _prepared(
    model: Model, request: Request, conditions: Conditions
) -> tuple[tuple[Recipe, ...], _Where]:
    _check_gpus(conditions.machine, request.gpus)
    recipes = _completed(model, request, conditions).recipes
    return sized(recipes, request, conditions.engine), _Where(request, conditions)


def _ranked(judged: list[Choice], where: _Where) -> tuple[Choice, ...]:
    request = where.request
    fewest = min((one.recipe.tp for one in judged if one.verdict != "NO"), default=1)
    auto = any(one.verdict == "FITS" and not one.recipe.manual_only for one in judged)
    view = _View(request, where.preferred, fewest, auto, where.tensor, where.conditions.engine)
    ordered = sorted(judged, key=lambda choice: _order(choice, view))
    ordered[:1] = [_not_by_itself(choice, request) for choice in ordered[:1]]
    return tuple(structs.replace(choice, rank=place) for place, choice in enumerate(ordered, 1))


def _not_by_itself(choice: Choice, request: Request) -> Choice:
    """Return the first choice, refused where it is manual-only: nothing else would run."""
    recipe = choice.recipe
    if not recipe.manual_only or recipe.id == request.recipe or choice.verdict == "NO":
        return choice
    return structs.replace(choice, verdict="NO", reason=BY_HAND)


def _completed(model: Model, request: Request, conditions: Conditions) -> Model:
    recipe, engine = request.recipe, conditions.engine
    found = adopt(complete(model, kinds_of(conditions.machine) or ("cpu",)), engine)
    if recipe is None or any(one.id == recipe for one in found.recipes):
        return found
    known = adopt(complete(model, ("cpu", *kinds())), engine)
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
    """The request and its conditions, as all recipes of a model find them."""

    def __init__(self, request: Request, conditions: Conditions) -> None:
        machine = conditions.machine
        self.request = request
        self.conditions = conditions
        self.tensor = tensor(request.options, conditions.engine)
        self.kinds = kinds_of(machine)
        self.strangers = strangers(machine)
        self.has = models_of(machine)
        idle = [gpu for gpu in usable(machine) if gpu.integrated is not True]
        self._idle = bool(idle) and not self.kinds
        self._devices: dict[str, Devices | GpuUnavailable] = {}
        self._places: dict[tuple[str, int], tuple[Gpu, ...] | GpuUnavailable] = {}

    @property
    def preferred(self) -> tuple[str, ...]:
        """What recipes should be for: the CPU only where there is no GPU that nobody knows."""
        return self.kinds or (tuple(kinds()) if self.strangers else ("cpu",))

    @property
    def unused(self) -> str:
        """What to say of a recipe for the CPU where GPUs stay idle; empty where there are none."""
        return f"; no recipe is for {self.has}" if self._idle else ""

    def place(self, recipe: Recipe) -> tuple[Gpu, ...]:
        """Return the devices of a recipe; looked for once for all that want the same.

        Raises
        ------
        GpuUnavailable
            If there are not so many.
        """
        if recipe.gpu_model == "cpu":
            return ()
        asked = self.request
        kind, wide = recipe.gpu_model, parallel(recipe, asked.options, asked.unset)
        machine = self.conditions.machine
        devices = _once(self._devices, kind, lambda: Devices(machine, kind, asked.gpus))
        try:
            return _once(self._places, (kind, wide.gpus), lambda: devices.place(wide.gpus))
        except GpuUnavailable as error:
            raise GpuUnavailable(
                f"{wide.said}: {error.found}" if wide.said else error.found
            ) from error


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
    refused = _refusal(recipe, where)
    if refused:
        return Choice(recipe=recipe, verdict="NO", reason=refused)
    try:
        gpus = where.place(recipe)
    except GpuUnavailable as error:
        return Choice(recipe=recipe, verdict="NO", reason=error.found)
    ordinals = tuple(gpu.hip_index or 0 for gpu in gpus)
    placed = Choice(recipe=recipe, verdict="NO", reason="not judged", gpus=ordinals)
    choice = fit(placed, gpus, where.request)
    return _marked(structs.replace(choice, evidence=_evidence(recipe)), where)


def _evidence(recipe: Recipe) -> Evidence:
    """Return what shows that a recipe works."""
    if recipe.origin == "measured":
        return "tested"
    return "built" if is_built(recipe) else "unverified"


def _refusal(recipe: Recipe, where: _Where) -> str:
    """Return why a recipe is out of the question, before any device is looked at."""
    version = where.conditions.engine_version
    if recipe.engine != where.conditions.engine:
        return f"for {recipe.engine}; ask for it with --engine"
    if not holds_for(recipe.engines, recipe.engine, version):
        return f"wants {recipe.engines}; installed is {version}"
    return _unwished(recipe, where)


def _unwished(recipe: Recipe, where: _Where) -> str:
    """Return what else was asked for than a recipe is."""
    request = where.request
    if request.precision not in (None, "auto", recipe.precision, _amd_name(recipe.precision)):
        return f"is {recipe.precision}; {request.precision} was asked for"
    if recipe.gpu_model == "cpu":
        beside = where.kinds or (where.strangers and recipe.id != request.recipe)
        return f"for CPU; this machine has {', '.join(where.kinds) or where.has}" if beside else ""
    if where.tensor not in (None, recipe.tp):
        return f"is for {recipe.tp} GPU{'s' * (recipe.tp > 1)}; {where.tensor} were asked for"
    if request.most_gpus:
        takes = parallel(recipe, request.options, request.unset).gpus
        if takes > request.most_gpus:
            return f"takes {takes} GPUs; at most {request.most_gpus} asked for"
    return ""


def _amd_name(precision: str) -> str:
    return "fp4" if precision == "mxfp4" else precision


def _marked(choice: Choice, where: _Where) -> Choice:
    """Say what a verdict leaves open: how vLLM uses memory is all that the fit knows."""
    endings = ["; by vLLM's rules"] * (choice.recipe.engine != WRITTEN_FOR)
    endings += ["; manual only"] * choice.recipe.manual_only
    endings += [where.unused] * (choice.recipe.gpu_model == "cpu")
    return structs.replace(choice, reason="".join([choice.reason, *endings]))


class _View(NamedTuple):
    """What the order depends on beside the choice itself."""

    request: Request
    kinds: tuple[str, ...]
    fewest: int
    auto_fits: bool
    tensor: int | None
    engine: str


def _order(choice: Choice, view: _View) -> tuple[object, ...]:
    recipe, request = choice.recipe, view.request
    points = (
        _VERDICTS.index(choice.verdict),
        recipe.manual_only,
        recipe.gpu_model not in view.kinds,
    )
    spread_out = request.metric == "latency" and choice.verdict != "NO"
    return (
        recipe.id != request.recipe,
        recipe.engine != view.engine,
        view.tensor not in (None, recipe.tp),
        points if view.auto_fits else (*points[::-1], *_missing(choice)),
        recipe.metric not in ("any", request.metric or recipe.metric),
        _ORIGINS[recipe.origin],
        _sizes(recipe.tp, view.fewest, spread=spread_out),
        _PRECISIONS.index(recipe.precision),
        recipe.weights.repo != recipe.model,
        recipe.id,
    )


def _missing(choice: Choice) -> tuple[bool, int]:
    """Return how far a refused choice is from fitting: all that its GPUs lack together."""
    if choice.verdict != "NO":
        return (False, 0)
    short = choice.short_bytes
    return (short is None, (short or 0) * max(1, len(choice.gpus)))


def _sizes(tp: int, fewest: int, *, spread: bool) -> tuple[bool, int]:
    too_many = tp > _HELPS * fewest
    return (too_many, -tp if spread and not too_many else tp)
