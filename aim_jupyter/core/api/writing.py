"""Plans and recipes as files: for another place, or of one's own."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core.api.plans import meant, planner
from aim_jupyter.core.errors import NoFit
from aim_jupyter.core.recipes.files import authoring
from aim_jupyter.core.recipes.files import export as exporting
from aim_jupyter.core.records import Model
from aim_jupyter.core.request import Request


def new_recipe(model: str, recipe: str | None = None) -> str:
    """Return the text of a recipe file of one's own, started from the recipe that would be chosen.

    Parameters
    ----------
    recipe : str, optional
        Id of another recipe to start from.
    """
    found = planner().judged(Request(model=model, recipe=recipe))
    if not found.choices:
        raise NoFit(f"There is no recipe for {model} to start from.", "%aim recipes")
    return authoring.new(found.model, found.choices[0].recipe)


def check_recipe(file: Path) -> Model:
    """Return what a recipe file holds.

    Raises
    ------
    RecipeInvalid
        Naming file, line, what was expected and what was found.
    """
    return authoring.check(file)


def export(request: Request, target: str) -> str:
    """Return a plan for another place: a shell, docker, AMD's runtime, Kubernetes.

    Raises
    ------
    BadUsage
        If there is no such form.
    """
    request, answers = meant(request)
    choice, made = answers.plan(request)
    return exporting.export(made, choice.recipe, target)
