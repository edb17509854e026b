"""From a line to a command and its arguments, whatever the line is."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aim_jupyter.commands import parsing
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.parsing import MAGIC, PROGRAM, HelpAsked, help_text, parse, split
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine

NAMES = [command.name for command in COMMANDS]


def given_by(line: str) -> dict[str, Any]:
    return vars(parse(split(line))[1])


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
@pytest.mark.parametrize("prefix", [MAGIC, PROGRAM])
def test_every_help_renders(command: Command, prefix: str) -> None:
    text = parsing.parser(command, prefix).format_help()
    assert text.startswith(f"usage: {prefix} {command.name}".rstrip())
    for argument in command.arguments:
        assert argument.options.get("help")
        assert argument.names[-1] in text or argument.options.get("metavar", "") in text
    if command.name:
        assert help_text(command.name.split(), prefix) == text.replace(MAGIC, prefix)
        with pytest.raises(HelpAsked, match=f"^usage: {MAGIC} {command.name} "):
            parse([*command.name.split(), "--help"])


def test_help_lists_every_verb_with_what_it_does() -> None:
    lines = help_text().splitlines()
    for command in COMMANDS:
        shown = any(f"{line} ".startswith(f"{MAGIC} {command.name} ".lstrip()) for line in lines)
        assert shown is not command.terminal
    assert f"{PROGRAM} serve" in help_text(prefix=PROGRAM)
    assert MAGIC not in help_text(prefix=PROGRAM)


def test_every_verb_can_be_called_by_each_of_its_names() -> None:
    for command in COMMANDS:
        for name in filter(None, (command.name, command.also)):
            assert parsing._command(name.split())[0] is command
    assert parse([])[0].name == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  # nothing but a comment", []),
        ("gpus;", ["gpus"]),
        ("gpus ;  # quietly", ["gpus"]),
        ("launch demo # the demo", ["launch", "demo"]),
        ("launch Org/Model#1", ["launch", "Org/Model#1"]),
        ("launch --env COLOR=#fff", ["launch", "--env", "COLOR=#fff"]),
        ("chat --say 'stop;'", ["chat", "--say", "stop;"]),
        ('chat --say "# C# \\" #"', ["chat", "--say", '# C# " #']),
        ("chat --system ''", ["chat", "--system", ""]),
        ("launch ~/my\\ model", ["launch", "~/my model"]),
        ('launch --x \'{"a": [1, "b"]}\'', ["launch", "--x", '{"a": [1, "b"]}']),
    ],
)
def test_a_line_is_split_as_a_shell_would(line: str, words: list[str]) -> None:
    assert split(line) == words


@given(words=st.lists(st.text()))
def test_what_was_quoted_comes_back(words: list[str]) -> None:
    # A ; at the very end is the notebook's; quoted, it stands inside.
    assert split(shlex.join(words)) == words


@pytest.mark.parametrize("line", ["stop 'demo", 'chat --say "it', "gpus \\"])
def test_an_open_quote_is_told(line: str) -> None:
    with pytest.raises(BadUsage, match="can't be split"):
        split(line)


@pytest.mark.parametrize(
    ("line", "nearest", "hint"),
    [
        ("lanuch demo", ["launch"], "%aim launch demo"),
        ("GPUS", ["gpus"], "%aim gpus"),
        ("xyzzy", [], "%aim help"),
        ("engine instal cpu", ["engine install"], "%aim engine install cpu"),
        ("''", [], "%aim help"),
    ],
)
def test_an_unknown_verb_gives_the_nearest(line: str, nearest: list[str], hint: str) -> None:
    with pytest.raises(UnknownName, match="There is no verb") as caught:
        parse(split(line))
    assert caught.value.nearest[: len(nearest)] == nearest
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ("chat --sya hi", "does not know '--sya'", "%aim chat --say"),
        ("gpus demo", "does not know 'demo'", "%aim gpus"),
        ("launch demo other", "does not know 'other'", "%aim launch demo"),
        ("launch --users", "expected one argument", "%aim launch --users 4"),
        ("launch --users many", "invalid int value: 'many'", "%aim launch --users 4"),
        ("launch --idle soon", "is no duration", "%aim launch --idle 30m"),
        ("launch --gpus 1;2", "names no GPUs", "%aim launch --gpus 1,2"),
        ("engine install", "the following arguments are required", "%aim engine install cpu"),
        ("engine install tpu", "invalid choice: 'tpu'", "%aim engine install cpu"),
    ],
)
def test_a_wrong_argument_says_what_to_write(line: str, said: str, hint: str) -> None:
    with pytest.raises(BadUsage, match=said) as caught:
        parse(split(line))
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("launch demo", {}),
        ("launch demo --max-model-len 8192", {"--max-model-len": "8192"}),
        ("launch --max-model-len 8192 demo", {"--max-model-len": "8192"}),
        ("launch demo --max-model-len=8192", {"--max-model-len": "8192"}),
        ("launch demo --enforce-eager", {"--enforce-eager": None}),
        ("launch demo --enforce-eager --dtype auto", {"--enforce-eager": None, "--dtype": "auto"}),
        ("launch demo --no-enable-prefix-caching", {"--no-enable-prefix-caching": None}),
        ("launch demo --seed -1", {"--seed": "-1"}),
        ("launch demo --x -0.5 --y -1e-5 --z -.5", {"--x": "-0.5", "--y": "-1e-5", "--z": "-.5"}),
        ("launch demo --from -", {"--from": "-"}),
        ("launch demo -tp 2", {"-tp": "2"}),
        ("launch demo --x=", {"--x": ""}),
        ("launch demo --x a=b", {"--x": "a=b"}),
        ("launch demo --x=a=b", {"--x": "a=b"}),
        (
            'launch demo --compilation-config \'{"mode": 3, "a": [1]}\'',
            {"--compilation-config": '{"mode": 3, "a": [1]}'},
        ),
        ("launch demo -cc.mode=0 --hf-overrides.a b", {"-cc.mode": "0", "--hf-overrides.a": "b"}),
    ],
)
def test_options_that_are_not_ours_are_the_engines(line: str, options: dict[str, Any]) -> None:
    given = given_by(line)
    assert given["engine_options"] == options
    assert given["model"] == "demo"


def test_a_name_that_both_have_is_ours() -> None:
    given = given_by("launch demo --port=8000 --name it --context 512 --new --dtype auto")
    assert (given["port"], given["name"], given["context"], given["new"]) == (8000, "it", 512, True)
    assert given["engine_options"] == {"--dtype": "auto"}


def test_our_switch_takes_nothing_that_follows() -> None:
    given = given_by("launch --new --force demo")
    assert (given["model"], given["new"], given["force"]) == ("demo", True, True)


def test_options_that_can_be_said_again_are_all_kept() -> None:
    given = given_by("launch demo --set a=1 --set b=2 --env A=x=y --unset c")
    assert given["options"] == [("a", "1"), ("b", "2")]
    assert (given["env"], given["unset"]) == ([("A", "x=y")], ["c"])


def test_a_verb_that_is_closed_takes_no_options_of_the_engine() -> None:
    with pytest.raises(BadUsage, match="does not know '--max-model-len'"):
        parse(split("status demo --max-model-len 3"))


def test_a_model_that_a_switch_has_swallowed_is_told(fake: FakeEngine) -> None:
    fake()
    options = given_by("launch --enforce-eager demo")["engine_options"]
    with pytest.raises(BadUsage, match="it is a switch and takes no value"):
        api.plan(Request(model="demo", options=options))


WORDS = st.sampled_from(
    [word for name in NAMES for word in name.split()]
    + [name for command in COMMANDS for argument in command.arguments for name in argument.names]
    + [
        "--no-such",
        "-h",
        "--help",
        "--",
        "-",
        "-5",
        "--x=1",
        "=",
        "demo",
        "a b",
        "'",
        '"',
        ";",
        "#x",
    ]
)


@example(line="launch --")
@example(line="launch --name")
@example(line="logs -n 9" + "9" * 5000)
@example(line="wait --timeout 9" + "9" * 5000)
@given(line=st.text(max_size=30) | st.lists(WORDS | st.text(max_size=4), max_size=6).map(" ".join))
def test_any_line_is_a_command_or_told(line: str) -> None:
    try:
        command, _ = parse(split(line))
    except (BadUsage, UnknownName) as error:
        told = error.lines
    except HelpAsked as asked:
        told = str(asked).split(": ", 1)
    else:
        told = ["it is", command.name]
    assert len(told) == 2


def test_only_a_verb_that_runs_a_program_is_given_one() -> None:
    _, given = parsing.parse(["fit", "demo"])
    assert not hasattr(given, "program")
    passing = next(command.name for command in COMMANDS if command.passes)
    _, given = parsing.parse([*passing.split(), "--", "python", "-V"])
    assert given.program == ["python", "-V"]
