"""The one table of verbs."""

from __future__ import annotations

from argparse import Namespace

from aim_jupyter.commands import looks
from aim_jupyter.commands.table import COMMANDS


def test_no_two_verbs_share_a_name() -> None:
    names = [name for each in COMMANDS for name in (each.name, each.also) if name]
    assert len(set(names)) == len(names)


def test_each_verb_says_what_it_does_in_one_line() -> None:
    for each in COMMANDS:
        assert each.help
        assert "\n" not in each.help
        assert not each.help.endswith(".")


def test_what_is_open_to_the_engines_options_takes_all_of_a_launch() -> None:
    launch = next(each for each in COMMANDS if each.name == "launch")
    for each in COMMANDS:
        if each.open:
            assert all(argument in each.arguments for argument in launch.arguments), each.name


def test_a_look_is_given_or_depends_on_the_options() -> None:
    by_name = {each.name: each for each in COMMANDS}
    assert by_name["ps"].look(Namespace()) is looks.PS
    assert by_name["events"].look(Namespace(follow=True)) is looks.FOLLOWED
    assert by_name["events"].look(Namespace(follow=False)) is looks.EVENTS
