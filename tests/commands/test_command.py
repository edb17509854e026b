"""One verb, and how what comes of it looks."""

from __future__ import annotations

from argparse import Namespace

from aim_jupyter.commands import looks
from aim_jupyter.commands.command import Command


def test_a_look_may_hang_on_the_options() -> None:
    plain = Command("x", "an example", str, looks.FIT)
    assert plain.look(Namespace()) is looks.FIT
    by_option = Command(
        "x", "an example", str, lambda given: looks.STARTS if given.history else looks.FIT
    )
    assert by_option.look(Namespace(history=True)) is looks.STARTS
    assert by_option.look(Namespace(history=False)) is looks.FIT
