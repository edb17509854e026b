"""All models that have a recipe: the shipped files, then those of `AIM_RECIPES_PATH`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import config
from aim_jupyter.core.errors import RecipeInvalid, UnknownName
from aim_jupyter.core.recipes.document import Document
from aim_jupyter.core.recipes.expansion import expand
from aim_jupyter.core.records import Model


class Catalogue(Struct, frozen=True, kw_only=True):
    """The models of all recipe folders.

    Attributes
    ----------
    models : tuple of Model
        By name. Of two files for one model, that of the later folder holds.
    problems : tuple of RecipeInvalid
        Files that could not be read. They never keep the others from loading.
    """

    models: tuple[Model, ...] = ()
    problems: tuple[RecipeInvalid, ...] = ()

    def find(self, name: str) -> Model:
        """Return the model called `name`, in any case, or whose last part alone is `name`.

        Raises
        ------
        UnknownName
            If there is none, or more than one; it holds the nearest names.
        """
        by_name = {model.name.casefold(): model for model in self.models}
        found = by_name.get(name.casefold())
        if found:
            return found
        last = [model for key, model in by_name.items() if key.endswith(f"/{name.casefold()}")]
        if len(last) == 1:
            return last[0]
        known = [model.name for model in last or self.models]
        raise UnknownName("model", name, known, "%aim recipes lists all models")


def catalogue(folders: Iterable[Path] | None = None) -> Catalogue:
    """Read all recipe files of `folders`, else of the configured ones.

    Examples
    --------
    >>> catalogue().find("demo").recipes[0].id
    'cpu-bf16-tp1'
    """
    models: dict[str, Model] = {}
    problems: list[RecipeInvalid] = []
    for path in _files(config.recipe_dirs() if folders is None else folders):
        try:
            model = expand(Document.open(path))
        except RecipeInvalid as problem:
            problems.append(problem)
        else:
            models[model.name] = model
    return Catalogue(
        models=tuple(models[name] for name in sorted(models, key=str.casefold)),
        problems=tuple(problems),
    )


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.rglob("*.yaml"))
