"""Recipes: what is known about serving a model, and which of it this machine should use."""

from aim_jupyter.core.recipes.catalogue import Catalogue, catalogue
from aim_jupyter.core.recipes.derivation import derive
from aim_jupyter.core.recipes.ranking import rank

__all__ = ["Catalogue", "catalogue", "derive", "rank"]
