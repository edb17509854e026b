"""What a recipe sets that no recipe may: each option, key and variable that is not on the list.

The list is that of the recipe's engine (`adapters.Allowed`), and that of `WRITTEN_FOR` for what
the engine's own does not name: recipes may speak in its words to any engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from aim_jupyter.core import adapters
from aim_jupyter.core.recipes.arguments.adoption import WRITTEN_FOR
from aim_jupyter.core.recipes.arguments.options import plain
from aim_jupyter.core.recipes.arguments.reconcile import Overrides
from aim_jupyter.core.records import Model, Recipe


class Refusal(Struct, frozen=True, kw_only=True):
    """One thing that a recipe sets and may not.

    Attributes
    ----------
    name : str
        The option without dashes, with the key inside of it after a dot; or the variable.
    given : str
        The option or variable as it stands in the file.
    why : str
        Half a sentence.
    asks : bool
        Whether a recipe may wish for it: the user has to say it by name.
    variable : bool
        Whether it is a variable.
    """

    name: str
    given: str
    why: str
    asks: bool = False
    variable: bool = False

    @property
    def said(self) -> str:
        """It as a user types it."""
        return self.name if self.variable else f"--{self.name}"


def refusals(recipe: Recipe) -> Iterator[Refusal]:
    """Yield what a recipe sets and may not, in its order.

    Examples
    --------
    >>> from aim_jupyter.core.records import Weights
    >>> weights = Weights(repo="a/b", precision="bf16")
    >>> args = {"log_config_file": "/tmp/x"}
    >>> made = Recipe(id="r", model="m", weights=weights, gpu_model="cpu", args=args)
    >>> [one.said for one in refusals(made)]
    ['--log-config-file']
    """
    yield from _refusals(recipe.engine, recipe.args, recipe.env)


def unsaid(recipe: Recipe, overrides: Overrides) -> Iterator[Refusal]:
    """Yield what a recipe sets and may not, and the user has neither said by name nor left out."""
    said = {plain(name).removeprefix("no-") for name in (*overrides.set, *overrides.unset)}
    variables = {*overrides.env, *overrides.unset}
    for wrong in refusals(recipe):
        if not (wrong.name in variables if wrong.variable else _is_said(wrong, said)):
            yield wrong


def _is_said(wrong: Refusal, said: set[str]) -> bool:
    base = wrong.name.partition(".")[0]
    if plain(wrong.given).partition(".")[0].removeprefix("no-") != base:
        return False
    # Who gives another key of an object keeps the rest of it.
    return base in said or wrong.name in said


def of_model(model: Model) -> Iterator[Refusal]:
    """Yield what a file's recipes set and may not, and those that would be derived from it."""
    for recipe in model.recipes:
        yield from refusals(recipe)
    yield from _refusals(WRITTEN_FOR, model.args, model.env)
    for weights in model.weights.values():
        yield from _refusals(WRITTEN_FOR, weights.args, weights.env)


def _refusals(engine: str, args: Mapping[str, Any], env: Mapping[str, str]) -> Iterator[Refusal]:
    own, common = adapters.of(engine), adapters.get(WRITTEN_FOR)
    for given, value in args.items():
        path = plain(given)
        name = path.partition(".")[0].removeprefix("no-")
        known = own if name in own.allowed.options else common
        for wrong, why in known.allowed.option(path, value):
            effect = own.effects.get(name) or common.effects.get(name)
            asks = wrong in (*own.asks, *common.asks)
            yield Refusal(name=wrong, given=given, why=effect or why, asks=asks)
    for given, text in env.items():
        known = own if given in own.allowed.variables else common
        for wrong, why in known.allowed.variable(given, text):
            yield Refusal(name=wrong, given=given, why=why, variable=True)
