"""All models that have a recipe: the shipped files, then those of `AIM_RECIPES_PATH`."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import structs

from aim_jupyter.core import config
from aim_jupyter.core.errors import RecipeInvalid, UnknownName
from aim_jupyter.core.recipes import index
from aim_jupyter.core.recipes.index import Entry
from aim_jupyter.core.records import Model, Recipe, Weights


class Catalogue:
    """The models of all recipe folders; a later folder's file holds over an earlier one's."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._shelves = [index.entries(folder) for folder in folders]

    @functools.cached_property
    def problems(self) -> tuple[RecipeInvalid, ...]:
        """Files that could not be read. They never keep the others from loading."""
        return tuple(entry.problem for entry in self._entries("problem"))

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all models, sorted without regard to case."""
        named = {entry.name for entry in self._entries("model", "profile")} - {""}
        return tuple(sorted(named, key=str.casefold))

    @functools.cached_property
    def models(self) -> tuple[Model, ...]:
        """All models, by name."""
        return tuple(map(self._assemble, self.names))

    def find(self, name: str) -> Model:
        """Return the model called `name`, in any case, or whose last part alone is `name`.

        Raises
        ------
        UnknownName
            If there is none, or more than one; it holds the nearest names.
        """
        wanted = name.casefold()
        by_fold = {known.casefold(): known for known in self.names}
        last = [known for fold, known in by_fold.items() if fold.endswith(f"/{wanted}")]
        if wanted in by_fold or len(last) == 1:
            return self._assemble(by_fold.get(wanted) or last[0])
        raise UnknownName("model", name, last or self.names, "%aim recipes lists all models")

    def _assemble(self, name: str) -> Model:
        models = [entry.model for entry in self._entries("model") if entry.name == name]
        recipes = {one.id: one for model in models for one in model.recipes}
        for shelf in self._shelves:
            recipes |= {one.id: one for one in _profiles(shelf, name)}
        merged = functools.reduce(_merge, models, Model(name=name))
        weights = {one.precision: one.weights for one in recipes.values()} if not models else {}
        return structs.replace(
            merged, weights=merged.weights or weights, recipes=tuple(recipes.values())
        )

    def _entries(self, *kinds: str) -> Iterator[Entry]:
        return (entry for shelf in self._shelves for entry in shelf if entry.kind in kinds)


def catalogue(folders: Iterable[Path] | None = None) -> Catalogue:
    """Read all recipe files of `folders`, else of the configured ones.

    Examples
    --------
    >>> catalogue().find("demo").recipes[0].id
    'cpu-bf16-tp1'
    """
    return Catalogue(config.recipe_dirs() if folders is None else folders)


def _merge(old: Model, new: Model) -> Model:
    """Return `new`, with what only `old` says."""
    said = {
        name: getattr(new, name) or getattr(old, name)
        for name in ("summary", "licence", "facts", "args", "env")
    }
    return structs.replace(
        new, **said, weights=old.weights | new.weights, gated=old.gated or new.gated
    )


def _profiles(shelf: list[Entry], name: str) -> Iterator[Recipe]:
    """Return AMD's profiles for a model, and the general ones if their folder has any for it.

    Of two with one id, the first in order of path counts, as in AMD's registry.
    """
    own = [entry.recipe for entry in shelf if entry.kind == "profile" and entry.name == name]
    if not own:
        return
    general = [entry.recipe for entry in shelf if entry.kind == "profile" and not entry.name]
    for recipe in reversed(own + general):
        if recipe.model:
            yield recipe
        else:
            weights = Weights(repo=name, precision=recipe.precision)
            yield structs.replace(recipe, model=name, weights=weights)
