"""The glossary has the words that the program says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from aim_jupyter.core.records import Stage
from aim_jupyter.core.records.recipe import Evidence, Origin, Verdict

PAGE = Path(__file__).parents[1] / "docs/glossary.md"
ROWS = dict(re.findall(r"^\| (\w[\w ]*) \| (.+) \|$", PAGE.read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    ("word", "kind"),
    [("origin", Origin), ("evidence", Evidence), ("verdict", Verdict), ("stage", Stage)],
)
def test_each_value_is_told_and_no_other(word: str, kind: Any) -> None:
    assert set(re.findall(r"`([\w-]+)`", ROWS[word])) == set(get_args(kind))
