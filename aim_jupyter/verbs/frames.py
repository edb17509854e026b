"""The DataFrame for what the core answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aim_jupyter.commands import looks
from aim_jupyter.tables import columns, frames

if TYPE_CHECKING:
    import pandas as pd


def frame(verb: columns.Verb, answer: Any) -> pd.DataFrame:
    """Return the DataFrame for what the core answered to a verb."""
    table = frames.frame(verb, looks.rows(verb, answer))
    if verb == "recipes" and len(set(table["model"])) > 1:
        # The best of each model: then the model is what a row is about.
        return table.set_index("model")
    return table
