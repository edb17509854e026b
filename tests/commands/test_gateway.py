"""The verbs for several servers, as typed."""

from __future__ import annotations

from argparse import Namespace

import pytest

from aim_jupyter.commands import gateway
from aim_jupyter.commands.parsing import parse
from aim_jupyter.core.errors import BadUsage
from tests.conftest import FakeEngine
from tests.waiting import launch_ready


def typed(line: str) -> tuple[object, Namespace]:
    command, given = parse(line.split())
    return command.run(given), given


def test_an_alias_is_set_shown_and_taken_back() -> None:
    assert typed("alias")[0] == ["No alias yet."]
    assert typed("alias judge=a,b")[0] == typed("alias")[0] == ["judge = a, b"]
    assert typed("alias judge=")[0] == ["No alias yet."]
    with pytest.raises(BadUsage, match="no alias"):
        typed("alias judge")


def test_a_client_of_all_wants_no_server_and_any_other_wants_one(fake: FakeEngine) -> None:
    assert gateway.client(Namespace(all=True, server=None)) is None
    fake()
    there = launch_ready()
    assert gateway.client(Namespace(all=False, server=None)).name == there.name
