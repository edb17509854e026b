"""The arguments of verbs, as the tables that they are made from say."""

from __future__ import annotations

import argparse

import pytest

from aim_jupyter.commands import arguments
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core.request.record import OPTIONS
from aim_jupyter.core.request.values import SWITCH

EACH = [(command.name, command.arguments) for command in COMMANDS]


def test_each_option_of_a_launch_is_an_argument_with_its_own_help() -> None:
    assert len(arguments.LAUNCH) == len(OPTIONS)
    for option, made in zip(OPTIONS, arguments.LAUNCH, strict=True):
        assert made.names == (option.word,)
        assert made.options["help"].replace("%%", "%") == option.help
        assert (made.options.get("action") == "store_true") == (option.kind is SWITCH)


@pytest.mark.parametrize(("name", "given"), EACH, ids=[name or "bare" for name, _ in EACH])
def test_a_command_takes_each_of_its_names_once(
    name: str, given: tuple[arguments.Argument, ...]
) -> None:
    parser = argparse.ArgumentParser(name)
    for each in given:
        parser.add_argument(*each.names, **each.options)  # raises for a name that is taken
    assert parser.format_help()


def test_every_argument_says_what_it_is() -> None:
    said = [each for _, given in EACH for each in given]
    assert all(each.options.get("help") for each in said)
    assert all(not each.options["help"].endswith(".") for each in said)
