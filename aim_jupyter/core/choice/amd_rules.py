"""AMD's own selection, rule for rule (aim-build 0.9), for policy ``aim``.

A profile must match engine, metric, model, GPU, the exact GPU count and the precision, in this
order; the first that does not names its state. Those that match are sorted by search path, then
precision, then type. Ties, which AMD leaves to the order of the directory, go by id here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct, structs

from aim_jupyter.core.errors import NoFit
from aim_jupyter.core.recipes.files.profile import LAYERS
from aim_jupyter.core.records import Choice, Machine, Recipe
from aim_jupyter.core.records.recipe import Profile

State = Literal[
    "compatible",
    "gpu_mismatch",
    "precision_mismatch",
    "model_mismatch",
    "engine_mismatch",
    "metric_mismatch",
]

_PRECISIONS = ("int4", "int8", "fp4", "fp8", "fp16", "bf16", "fp32")
_TYPES = ("optimized", "preview", "unoptimized", "general")

#: What our recipes count as where AMD's rules are asked about them.
_AS_TYPE: dict[str, Literal["optimized", "preview", "unoptimized"]] = {
    "amd-validated": "optimized",
    "measured": "optimized",
    "published": "preview",
}
_AS_PRECISION = {"mxfp4": "fp4", "mxfp8": "fp8"}


class Question(Struct, frozen=True, kw_only=True):
    """What AMD's selector is asked; None stands where its setting would be auto."""

    model: str
    gpu: str
    gpu_count: int
    precision: str | None = None
    metric: str | None = None
    engine: str | None = None
    profile_id: str | None = None
    fallback: bool = False


class NotFound(NoFit):
    """They find no profile; `nearest` holds commands that do lead to a plan."""

    def __init__(self, found: str, nearest: Iterable[str]) -> None:
        self.nearest = list(nearest)
        super().__init__(found, self.nearest[0] if self.nearest else "")


class Selected(Struct, frozen=True, kw_only=True):
    """What it takes, and how many it turned down for what.

    Attributes
    ----------
    recipe : Recipe or None
        None where it ends with ProfileNotFound.
    manual : tuple of str
        Ids that match and are left out as manual-only: AMD's message does not name them.
    """

    recipe: Recipe | None = None
    states: dict[str, int] = {}
    manual: tuple[str, ...] = ()


def gpus_of(machine: Machine) -> tuple[str, int]:
    """Return GPU model and count as AMD's runtime sees them: the first one's model, all of them."""
    if not machine.gpus:
        return "NONE", 0
    return machine.gpus[0].model or "UNKNOWN", len(machine.gpus)


def select(recipes: Iterable[Recipe], question: Question) -> Selected:
    """Return what AMD's selector would take of `recipes`."""
    known = {recipe.id: (as_profile(recipe), recipe) for recipe in recipes}
    if question.profile_id is not None:
        # An id is taken at its word: neither GPU nor model nor anything else is compared.
        return Selected(
            recipe=known[question.profile_id][1] if question.profile_id in known else None
        )
    states = {name: state(profile, question) for name, (profile, _) in known.items()}
    compatible = [known[name] for name, found in states.items() if found == "compatible"]
    compatible.sort(key=lambda pair: _order(pair[0]))
    manual = [profile.id for profile, _ in compatible if _is_manual(profile, question)]
    taken = next((recipe for profile, recipe in compatible if profile.id not in manual), None)
    return Selected(recipe=taken, states=dict(Counter(states.values())), manual=tuple(manual))


def choices(recipes: Iterable[Recipe], machine: Machine, question: Question) -> tuple[Choice, ...]:
    """Return all of `recipes` with what AMD's selector says of each, the one it takes first.

    It places nothing: the engine takes the first GPUs that it sees.
    """
    recipes = list(recipes)
    taken = select(recipes, question).recipe
    judged = [_judged(one, taken, machine, question) for one in recipes]
    judged.sort(key=lambda one: (one.verdict, one.reason, _order(as_profile(one.recipe))))
    return tuple(structs.replace(one, rank=place) for place, one in enumerate(judged, 1))


def _judged(recipe: Recipe, taken: Recipe | None, machine: Machine, question: Question) -> Choice:
    if recipe is taken:
        ordinals = [gpu.hip_index or 0 for gpu in machine.gpus][: as_profile(recipe).gpu_count]
        reason = f"taken by AMD's rules: {as_profile(recipe).type}"
        return Choice(recipe=recipe, verdict="FITS", reason=reason, gpus=tuple(ordinals))
    found = state(as_profile(recipe), question)
    manual = _is_manual(as_profile(recipe), question)
    after = "manual_selection_only" if manual else "compatible, ordered after"
    return Choice(recipe=recipe, verdict="NO", reason=after if found == "compatible" else found)


def not_found(question: Question, selected: Selected) -> str:
    """Return the sentence that AMD's selector ends with, and what it leaves out."""
    if question.profile_id is not None:
        return f"Specified profile ID {question.profile_id!r} not found."
    counts = [f"{count} {name}" for name, count in selected.states.items() if name != "compatible"]
    breakdown = ", ".join(counts) or "no profiles found"
    manual = (
        f" Compatible, but manual-only: {', '.join(selected.manual)}." if selected.manual else ""
    )
    return f"No compatible profile for {question.model}: {breakdown}.{manual}"


def state(profile: Profile, question: Question) -> State:
    """Return the first thing about a profile that does not match, or ``compatible``."""
    if profile.engine != (question.engine or "vllm"):
        return "engine_mismatch"
    if profile.metric not in ("any", question.metric or "latency"):
        return "metric_mismatch"
    if profile.aim_id not in (None, question.model):
        return "model_mismatch"
    if (profile.gpu, profile.gpu_count) != (question.gpu, question.gpu_count):
        return "gpu_mismatch"
    if question.precision not in (None, profile.precision):
        return "precision_mismatch"
    return "compatible"


def as_profile(recipe: Recipe) -> Profile:
    """Return what a recipe was in AMD's catalogue, or what it would count as there."""
    if recipe.profile is not None:
        return recipe.profile
    cpu = recipe.gpu_model == "cpu"
    return Profile(
        id=recipe.id,
        layer="custom" if recipe.origin == "user" else "model",
        type=_AS_TYPE.get(recipe.origin, "unoptimized"),
        gpu="NONE" if cpu else recipe.gpu_model,
        gpu_count=0 if cpu else recipe.tp,
        precision=_AS_PRECISION.get(recipe.precision, recipe.precision),
        metric=recipe.metric,
        engine=recipe.engine,
        aim_id=recipe.model,
        manual_only=recipe.manual_only,
    )


def _is_manual(profile: Profile, question: Question) -> bool:
    general = profile.aim_id is None
    return profile.manual_only or (general and not question.fallback)


def _order(profile: Profile) -> tuple[int, int, int, str]:
    precision, kind = profile.precision, profile.type
    return (
        LAYERS.index(profile.layer),
        _PRECISIONS.index(precision) if precision in _PRECISIONS else len(_PRECISIONS),
        _TYPES.index(kind),
        profile.id,
    )
