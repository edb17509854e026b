"""Between recipes and the fit: whether a recipe, or what somebody describes, will fit.

Neither domain knows the other. Here a recipe with its GPUs becomes a question to `core.fit`, and
the verdict becomes the memory terms that tables, cards and refusals show.
"""

from aim_jupyter.core.fitting.choices import Judge
from aim_jupyter.core.fitting.history import history, learned, start_of
from aim_jupyter.core.fitting.questions import Answered, Asker, as_json

__all__ = ["Answered", "Asker", "Judge", "as_json", "history", "learned", "start_of"]
