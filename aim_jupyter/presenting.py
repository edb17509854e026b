"""From what the core answered to rows and cards: the one place that joins verbs and their looks."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from typing import Any

from aim_jupyter import columns, render
from aim_jupyter.columns import Row, Verb
from aim_jupyter.commands import Gives
from aim_jupyter.core import api
from aim_jupyter.core.records import CachedModel, Choice, Machine, ServerView
from aim_jupyter.render import Card

#: Lines of the engine's log that a server's card shows on a click.
LOG_LINES = 20
#: The variables that hide GPUs, outermost first.
_MASKS = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")


def rows(verb: Verb, answer: Any) -> list[Row]:
    """Return the rows of a table verb, as `columns` has them."""
    if verb == "gpus":
        return [columns.gpu_row(gpu) for gpu in answer.gpus]
    if verb == "metrics":
        return [
            columns.metrics_row(view.record.name, view.sample) for view in answer if view.sample
        ]
    return [columns.ROW[verb](record) for record in answer]


def card(gives: Gives, answer: Any) -> Card | None:
    """Return the card of an answer, None for a kind that has none."""
    make = CARDS.get(gives)
    return make(answer) if make else None


def server_card(view: ServerView) -> Card:
    """Return the card of one server with the end of its log."""
    return render.launch_card(view, log_tail=api.logs(view.record.name, lines=LOG_LINES))


def _gpus_card(machine: Machine) -> Card:
    mask = next((f"{name}={os.environ[name]}" for name in _MASKS if name in os.environ), None)
    on_hub = "JUPYTERHUB_USER" in os.environ
    return render.gpus_card(machine, user=getpass.getuser(), mask=mask, on_hub=on_hub)


def _recipes_card(choices: list[Choice]) -> Card | None:
    """Return the card of one model's recipes; the overview of all models is a table alone."""
    models = {choice.recipe.model for choice in choices}
    return render.recipes_card(choices, models.pop()) if len(models) == 1 else None


def _cache_card(models: list[CachedModel]) -> Card:
    return render.cache_card(models, api.cache_totals(models))


CARDS: Mapping[Gives, Callable[[Any], Card | None]] = {
    "status": render.status_card,
    "gpus": _gpus_card,
    "engines": render.engines_card,
    "recipes": _recipes_card,
    "cache": _cache_card,
    "server": server_card,
    "doctor": render.checks_card,
}
def _fit_card(answer: Any) -> Card | None:
    """Return the card of one verdict; the table of past starts has none."""
    return None if isinstance(answer, list) else render.fit_card(answer.fit, answer.choice)


def fit_json(answer: Any) -> dict[str, Any]:
    """Return a verdict as plain data."""
    from aim_jupyter.core import fitting  # noqa: PLC0415 - it is there already where there is one

    return fitting.as_json(answer)


    "fit": _fit_card,
