"""From the words of a line to a command and its arguments, and from the table to help texts.

`argparse` does the parsing; what it would print or exit with becomes a `BadUsage` with the nearest
word. Options that a command does not know are the engine's own where the command says so.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shlex
from collections.abc import Sequence
from typing import Any, NoReturn

from aim_jupyter.commands import mending
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.mending import is_option
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core.errors import AimError, BadUsage, UnknownName

#: How a line begins in each front end; texts of the core use the first.
MAGIC, PROGRAM = "%aim", "aim-engine"


_WORD = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+|['"\\].*""", re.DOTALL)


class HelpAsked(Exception):
    """Somebody asked for help; the text is the argument."""


class _Parser(argparse.ArgumentParser):
    """An `argparse` parser that never prints and never exits."""

    def error(self, message: str) -> NoReturn:
        raise BadUsage(f"{self.prog}: {message}.")


class _Help(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        raise HelpAsked(parser.format_help())


def split(line: str) -> list[str]:
    """Return the words of a line as a shell would see them; a trailing comment and ``;`` go.

    Raises
    ------
    BadUsage
        If a quote is not closed.
    """
    # `shlex` would take a # inside of a word for a comment, and can't say what stood in quotes.
    comment = next((word for word in _WORD.finditer(line) if word[0].startswith("#")), None)
    code = line[: comment.start()] if comment else line
    try:
        return shlex.split(code.rstrip().removesuffix(";"))
    except ValueError as error:
        raise BadUsage(f"The line can't be split: {error}.", _closed(code)) from error


def parse(words: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """Return the command that `words` name and its arguments.

    Raises
    ------
    BadUsage
        If an option or value is wrong.
    UnknownName
        If there is no such verb, with the nearest.
    HelpAsked
        If ``-h`` or ``--help`` is among them.
    """
    try:
        return _parsed(list(words))
    except (BadUsage, UnknownName) as error:
        error.hint = _instead(list(words))
        raise


def _parsed(words: list[str]) -> tuple[Command, argparse.Namespace]:
    command, rest = _command(words)
    rest, program = _program(rest) if command.passes else (rest, [])
    ours, engine_options = _parted(command, rest) if command.open else (rest, {})
    given, unknown = parser(command).parse_known_intermixed_args(ours)
    if unknown:
        raise BadUsage(f"{parser(command).prog} does not know {unknown[0]!r}.")
    given.engine_options = engine_options
    if command.passes:
        given.program = program
        if not program:
            raise BadUsage("There is no program to run: it follows a --.")
    return command, given


def _program(words: list[str]) -> tuple[list[str], list[str]]:
    """Return what stands before the first ``--`` and what follows it."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _instead(words: list[str]) -> str:
    """Return the nearest line that is taken, else the one that explains the verb."""
    line = mending.mended(words, MAGIC)
    try:
        if "''" in line:
            raise BadUsage("Nothing stands for what is missing.")
        _parsed(shlex.split(line)[1:])
    except (AimError, HelpAsked):
        verb = next(
            (each for each in words[:1] if each in {name.split()[0] for name in verbs()}), ""
        )
        return f"{MAGIC} help {verb}".rstrip()
    return line


def _closed(code: str) -> str:
    """Return a line whose quote is open with the quote closed, else without the last word."""
    for whole in (f"{code}'", f'{code}"', code.rstrip("\\ ")):
        with contextlib.suppress(ValueError):
            return _instead(shlex.split(whole))
    return f"{MAGIC} help"


def parser(command: Command, prefix: str = MAGIC) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    made = _Parser(
        prog=f"{prefix} {command.name}".rstrip(),
        description=command.help[:1].upper() + command.help[1:] + ".",
        add_help=False,
        allow_abbrev=False,
    )
    made.add_argument("-h", "--help", action=_Help, nargs=0, help="show this")
    for argument in command.arguments:
        made.add_argument(*argument.names, **argument.options)
    # Where words may be intermixed, argparse takes its usage for a template, and %a for a place.
    made.usage = made.format_usage().removeprefix("usage: ").rstrip().replace("%", "%%")
    return made


def help_text(verb: Sequence[str] = (), prefix: str = MAGIC) -> str:
    """Return the help of one verb, or the table of all."""
    if verb:
        return parser(_command(list(verb))[0], prefix).format_help().replace(MAGIC, prefix)
    width = max(len(command.name) for command in COMMANDS) + len(prefix) + 1
    rows = [
        f"{prefix} {command.name}".ljust(width) + f"   {command.help}"
        for command in COMMANDS
        if prefix == PROGRAM or not command.terminal
    ]
    return "\n".join([*rows, "", f"{prefix} help VERB says more about one."])


def verbs() -> list[str]:
    """Return all verbs, two words where they have two, aliases included."""
    return [name for command in COMMANDS for name in (command.name, command.also) if name]


def _command(words: list[str]) -> tuple[Command, list[str]]:
    by_name = {command.name: command for command in COMMANDS}
    by_name |= {command.also: command for command in COMMANDS if command.also}
    for length in (2, 1):
        name = " ".join(words[:length])
        if name and name in by_name:
            return by_name[name], words[length:]
    if words[:1] == ["--version"]:
        from importlib import metadata  # noqa: PLC0415 - 20 ms

        raise HelpAsked(f"{PROGRAM} {metadata.version('aim-jupyter')}")
    if not words or words[0] in ("-h", "--help"):
        return (by_name["help"] if words else by_name[""]), []
    raise _unknown_verb(words)


def _unknown_verb(words: list[str]) -> UnknownName:
    known = verbs()
    begun = any(name.startswith(words[0] + " ") for name in known)
    return UnknownName("verb", " ".join(words[:2]) if begun else words[0], known)


def _parted(command: Command, words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Part the engine's options from ours; an option takes what follows it up to the next one."""
    arity = {
        name: 1 if argument.options.get("action") in (None, "append") else 0
        for argument in command.arguments
        for name in argument.names
    }
    arity |= {f"--no-{name.removeprefix('--')}": 0 for name, takes in arity.items() if not takes}
    arity |= {"-h": 0, "--help": 0}
    ours: list[str] = []
    theirs: dict[str, Any] = {}
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not is_option(word) or name in arity:
            taken = 0 if equals else arity.get(name, 0)
            ours += [word, *words[:taken]]
            del words[:taken]
        elif equals:
            theirs[name] = value
        else:
            theirs[name] = words.pop(0) if words and not is_option(words[0]) else None
    return ours, theirs
