"""Which recipe of a model, on which GPUs of a machine: ranked, placed, judged, explained.

`recipes`, `fit` and `gpus` know nothing of each other. Here a recipe with its GPUs becomes a
question to `core.fit`, and the verdict becomes what tables, cards and refusals show.
"""

from aim_jupyter.core.choice.explanation import reasons
from aim_jupyter.core.choice.history import history, learned, start_of
from aim_jupyter.core.choice.judging import Judge, Known
from aim_jupyter.core.choice.offers import Asked, offers, ranked
from aim_jupyter.core.choice.ranking import Conditions, Fit, best, judge_all

__all__ = [
    "Asked",
    "Conditions",
    "Fit",
    "Judge",
    "Known",
    "best",
    "history",
    "judge_all",
    "learned",
    "offers",
    "ranked",
    "reasons",
    "start_of",
]
