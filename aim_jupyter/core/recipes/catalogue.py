"""All models that have a recipe: the shipped files, then those of `AIM_RECIPES_PATH`."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import structs

from aim_jupyter.core import config
from aim_jupyter.core.errors import RecipeInvalid, UnknownName
from aim_jupyter.core.recipes.files import index
from aim_jupyter.core.recipes.files.index import Entry
from aim_jupyter.core.recipes.files.profile import LAYERS
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
        """Return the model called `name`, in any case, or whose last part or alias it is.

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
        meant = self._aliases.get(wanted)
        if meant is not None and not last:
            return self._assemble(meant)
        raise UnknownName("model", name, last or (*self.names, *self._aliases), "%aim recipes")

    @functools.cached_property
    def _aliases(self) -> dict[str, str]:
        """The model that each short name means; read only for a name that no model has."""
        return {
            alias.casefold(): entry.name
            for entry in self._entries("model")
            for alias in entry.model.aliases
        }

    def registry(self, name: str) -> tuple[Recipe, ...]:
        """Return what AMD's runtime would load for a model: custom, its own and general profiles.

        Where no folder has any of their profiles it is the model's recipes, to ask what their
        rules would make of ours.
        """
        profiles = list(self._entries("profile"))
        if not profiles:
            return self.find(name).recipes
        seen = (entry.recipe for entry in profiles if _searched(entry, name))
        by_id = _first(_for_model(one, name) for one in sorted(seen, key=_layer))
        return tuple(by_id.values())

    def _assemble(self, name: str) -> Model:
        models = [entry.model for entry in self._entries("model") if entry.name == name]
        recipes = {one.id: one for model in models for one in model.recipes}
        for shelf in self._shelves:
            recipes |= _first(_profiles(shelf, name))
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
        for name in ("summary", "licence", "aliases", "facts", "args", "env", "does")
    }
    return structs.replace(
        new, **said, weights=old.weights | new.weights, gated=old.gated or new.gated
    )


def _profiles(shelf: list[Entry], name: str) -> Iterator[Recipe]:
    """Return AMD's profiles for a model, and the general ones if their folder has any for it."""
    found = [entry for entry in shelf if entry.kind == "profile"]
    own = [entry for entry in found if entry.name == name]
    general = [entry for entry in found if not entry.name] if own else []
    return (_for_model(entry.recipe, name) for entry in own + general)


def _for_model(recipe: Recipe, name: str) -> Recipe:
    """Return a general profile as the recipe of one model, any other as it is."""
    if recipe.model:
        return recipe
    weights = Weights(repo=name, precision=recipe.precision)
    return structs.replace(recipe, model=name, weights=weights)


def _searched(entry: Entry, name: str) -> bool:
    """Return whether a profile lies in a search path for the model: its own, general, custom."""
    return entry.name in (name, "") or "custom" in entry.path.split("/")


def _layer(recipe: Recipe) -> int:
    return LAYERS.index(recipe.profile.layer) if recipe.profile else len(LAYERS)


def _first(recipes: Iterable[Recipe]) -> dict[str, Recipe]:
    """Return recipes by id; of two with one id the first counts, as in AMD's registry."""
    by_id: dict[str, Recipe] = {}
    for recipe in recipes:
        by_id.setdefault(recipe.id, recipe)
    return by_id
