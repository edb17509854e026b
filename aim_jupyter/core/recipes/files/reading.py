"""One file, whichever of the three formats it has: ours, AMD's or the prototype's."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from aim_jupyter.core.recipes.files import profile, prototype
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.recipes.files.expansion import expand
from aim_jupyter.core.records import Model, Recipe


def read(document: Document, below: PurePath) -> Model | Recipe | None:
    """Return what a recipe file holds: a model, or a single recipe where it is one of AMD's.

    None is a file that belongs to one of the formats but says nothing about serving.

    Parameters
    ----------
    below : PurePath
        Where the file is, seen from the recipe folder.

    Raises
    ------
    RecipeInvalid
        If it is not what its format says.
    """
    data: Any = document.data
    if prototype.is_card(data):
        return None
    if prototype.is_prototype(data):
        return prototype.read(document)
    if profile.is_profile(data) and "settings" not in data:
        return profile.read(document, below)
    return expand(document)
