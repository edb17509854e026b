"""Every kind of answer has a look, and every front end can show it."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from aim_jupyter.cli import as_json, text
from aim_jupyter.commands import looks
from aim_jupyter.commands.looks import Look
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.notebook.outcomes import Outcomes
from aim_jupyter.tables import columns

LOOKS = [each for each in vars(looks).values() if isinstance(each, Look)]
#: What only a terminal does, and what a notebook's session does before it asks for a look.
ELSEWHERE = {looks.SERVED, looks.BESIDE, looks.PANEL, looks.HELP}


class _Said(Namespace):
    """Options that are all not given."""

    def __init__(self, *given: str) -> None:
        super().__init__(**dict.fromkeys(given, True))

    def __getattr__(self, name: str) -> Any:
        return None


def test_no_two_looks_have_one_name() -> None:
    assert len({look.name for look in LOOKS}) == len(LOOKS)


def test_every_look_is_given_by_a_command_and_the_other_way_round() -> None:
    options = (
        "samples",
        "raw",
        "plot",
        "history",
        "serve_metrics",
        "follow",
        "batch",
        "all",
        "dry",
        "on",
    )
    given = {
        command.look(_Said(*said))
        for command in COMMANDS
        for said in ((), *((name,) for name in (*options, "env", "export", "samples")))
    }
    assert given == set(LOOKS)


@pytest.mark.parametrize("look", LOOKS, ids=[look.name for look in LOOKS])
def test_every_front_end_has_a_way_to_show_it(look: Look) -> None:
    shown = bool(look.text or look.rows or look.card)
    assert shown or look in text._MOVING or look is looks.ANSWERS
    own = Outcomes(InteractiveShell.instance())._own
    assert shown or look in own or look in ELSEWHERE
    # Plain values can be made of any answer that is data.
    assert look.plain or look.rows or look in as_json._OWN or look.card or look in PLAIN


#: Whose answer is data as it is.
PLAIN = {looks.PLAN, looks.TOP, looks.ENGINE}


def test_a_table_has_the_columns_that_it_names() -> None:
    verbs: dict[str, list[str]] = defaultdict(list)
    for look in LOOKS:
        if look.table:
            verbs[look.table].append(look.name)
            assert look.rows is not None
    assert set(verbs) == set(columns.COLUMNS)
