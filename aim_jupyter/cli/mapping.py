"""A map from a terminal: a file in, a file out."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from aim_jupyter.commands import work
from aim_jupyter.core.errors import BadUsage


def mapped(given: Namespace) -> Any:
    """Map a file and return where the answers are; its run is shown on the error stream."""
    from aim_jupyter import verbs  # noqa: PLC0415 - for a map only
    from aim_jupyter.work.map import tables  # noqa: PLC0415

    if not given.words:
        raise BadUsage(
            "There is no file to write.",
            "%aim map rows.csv answers.csv --into kind 'Is it kind? {text}'",
        )
    place = Path(given.words.pop(0))
    return verbs.map(tables.File(Path(given.table), place), **work.mapping(given, {}))
