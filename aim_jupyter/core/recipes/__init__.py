"""Recipes: what is known about serving a model, and which of it this machine should use."""

from aim_jupyter.core.recipes.advice import offers
from aim_jupyter.core.recipes.answering import Asker
from aim_jupyter.core.recipes.arguments import Overrides, Reconciled, reconcile
from aim_jupyter.core.recipes.asked import Asked
from aim_jupyter.core.recipes.catalogue import Catalogue, catalogue
from aim_jupyter.core.recipes.choosing import rank
from aim_jupyter.core.recipes.derivation import complete, derive
from aim_jupyter.core.recipes.explanation import reasons, refusal
from aim_jupyter.core.recipes.ranking import Fit, best, judge_all

__all__ = [
    "Asked",
    "Asker",
    "Catalogue",
    "Fit",
    "Overrides",
    "Reconciled",
    "best",
    "catalogue",
    "complete",
    "derive",
    "judge_all",
    "offers",
    "rank",
    "reasons",
    "reconcile",
    "refusal",
]
