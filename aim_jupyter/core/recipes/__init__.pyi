from .arguments.reconcile import Overrides, Reconciled, reconcile
from .catalogue import Catalogue, catalogue
from .derivation import complete, derive

__all__ = [
    "Catalogue",
    "Overrides",
    "Reconciled",
    "catalogue",
    "complete",
    "derive",
    "reconcile",
]
