"""The recipes for a number of GPUs that somebody asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import structs

from aim_jupyter.core import adapters
from aim_jupyter.core.recipes.arguments.options import plain
from aim_jupyter.core.recipes.arguments.parallel import tensor
from aim_jupyter.core.records import Recipe
from aim_jupyter.core.request.record import Request

_SIZE = re.compile(r"-tp\d+")


def sized(recipes: Iterable[Recipe], request: Request, engine: str) -> tuple[Recipe, ...]:
    """Return the recipes with those for the tensor parallelism that was asked for.

    Where there is none for some weights on some kind of GPU, the one that is nearest in size is
    taken over; a size that is never chosen by itself may be, as somebody has asked for it. Who
    names a recipe gets that one, on so many GPUs.

    Raises
    ------
    BadUsage
        If an option says no number.
    """
    recipes = tuple(recipes)
    wanted = tensor(request.options, engine)
    if wanted is None:
        return recipes
    if request.recipe is not None:
        return tuple(
            structs.replace(one, tp=wanted) if one.id == request.recipe else one for one in recipes
        )
    own = tuple(_by_itself(one) if one.tp == wanted else one for one in recipes)
    return (*own, *_resized(own, wanted, engine))


def _by_itself(recipe: Recipe) -> Recipe:
    """Return a recipe of a size that nobody publishes as one that may be chosen."""
    odd = recipe.manual_only and recipe.origin == "derived" and recipe.tp & (recipe.tp - 1)
    return structs.replace(recipe, manual_only=False) if odd else recipe


def _resized(recipes: tuple[Recipe, ...], wanted: int, engine: str) -> Iterator[Recipe]:
    groups: dict[tuple[str, str, str], list[Recipe]] = {}
    for one in recipes:
        if one.engine == engine and one.gpu_model != "cpu":
            groups.setdefault((one.gpu_model, one.weights.repo, one.precision), []).append(one)
    for group in groups.values():
        if all(one.tp != wanted for one in group):
            near = min(group, key=lambda one: (one.manual_only, abs(one.tp - wanted), one.id))
            yield _on(near, wanted)


def _on(recipe: Recipe, wanted: int) -> Recipe:
    option = adapters.of(recipe.engine).option("tensor_parallel")
    args = {name: value for name, value in recipe.args.items() if plain(name) != option}
    return structs.replace(
        recipe,
        id=_SIZE.sub(f"-tp{wanted}", recipe.id, count=1),
        tp=wanted,
        args={option: wanted, **args},
        origin="derived",
        source=f"{recipe.id} on {wanted} GPUs, as asked; measured by nobody",
        profile=None,
    )
