"""A wrong line made right: the user's own words, with the nearest of what a verb takes.

What is wrong in a word is found where it is read: by the argument's own type and choices. What
can't be guessed is replaced by an example, or left out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from aim_jupyter.commands.arguments import Argument
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core.errors import AimError, closest

_NEGATIVE = re.compile(r"-(\d*\.)?\d+(e[+-]?\d+)?|-", re.ASCII | re.IGNORECASE)

#: By what an argument is called in a help: how a value may have been meant, as pattern and form;
#: and an example for one that says nothing.
_EXAMPLES: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "N": (((r"(\d+).*", "{0}"),), "4"),
    "LINES": (((r"(\d+).*", "{0}"),), "40"),
    "TIME": (((r"(\d+(?:\.\d+)?)\s*([smhd]).*", "{0}{1}"), (r"(\d+).*", "{0}")), "30m"),
    "TOKENS": (((r"(\d+)[kK].*", "{0}000"), (r"(\d+).*", "{0}")), "32768"),
    "LIST": (((r"\D*(\d+)\D+(\d+)\D*", "{0},{1}"), (r"\D*(\d+)\D*", "{0}")), "0"),
    "SIZE": (((r"(\d+)\D*", "{0}GB"),), "200GB"),
    "OPTION=VALUE": (((r"(\w[\w-]*):(.+)", "{0}={1}"),), "max-num-seqs=8"),
    "NAME=VALUE": (((r"(\w+):(.+)", "{0}={1}"),), "NAME=VALUE"),
    "T": ((), "0.7"),
    "SHARE": ((), "0.92"),
    "SPEC": ((), "mi300x:8"),
}
#: By what completes a positional argument that is missing.
_NAMES = {"models": "demo", "cached": "demo"}


#: What other programs call it.
_ELSEWHERE = {
    "deploy": "launch",
    "down": "stop",
    "download": "cache prefetch",
    "info": "status",
    "install": "engine install",
    "kill": "stop",
    "list": "ps",
    "models": "recipes",
    "pull": "cache prefetch",
    "rm": "forget",
    "shutdown": "stop",
    "start": "launch",
    "up": "launch",
}


def mended(words: Sequence[str], prefix: str) -> str:
    """Return the nearest line to wrong `words` that a verb takes; it may need one more look.

    Parameters
    ----------
    words : sequence of str
        What was said, without the line's beginning.
    prefix : str
        How the line begins.

    Examples
    --------
    >>> mended(["launc", "demo", "--users", "four"], "%aim")
    '%aim launch demo --users 4'
    """
    command, rest = _meant(list(words))
    if command is None:
        return f"{prefix} help"
    program: list[str] = []
    if command.passes:
        at = rest.index("--") if "--" in rest else len(rest)
        rest, program = rest[:at], ["--", *(rest[at + 1 :] or ["env"])]
    said = [*command.name.split(), *_Line(command).made(rest), *program]
    return f"{prefix} {shlex.join(said)}".rstrip()


def _meant(words: list[str]) -> tuple[Command | None, list[str]]:
    """Return the verb that was most likely meant, and what is left of the words."""
    by_name = {name: each for each in COMMANDS for name in (each.name, each.also) if name}
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in by_name:
            command, rest = by_name[name], words[length:]
            below = [each for each in by_name if each.startswith(f"{name} ")]
            if length == 1 and rest and below and not command.arguments:
                near = closest(f"{name} {rest[0]}", below, 1)
                return (by_name[near[0]], rest[1:]) if near else (command, [])
            return command, rest
    if words and words[0] in _ELSEWHERE:
        return by_name[_ELSEWHERE[words[0]]], words[1:]
    for length in (2, 1):
        near = closest(" ".join(words[:length]), by_name, 1)
        if near and len(near[0].split()) == length:
            return by_name[near[0]], words[length:]
    near = closest(words[0], by_name, 1) if words else []
    return (by_name[near[0]], words[1:]) if near else (None, [])


class _Line:
    """The words of one line as they are made right."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.options = {name: each for each in command.arguments for name in each.names}
        self.places = [each for each in command.arguments if not each.names[0].startswith("-")]

    def made(self, words: Sequence[str]) -> list[str]:
        """Return the words as the verb takes them."""
        left, options, places = list(words), list[str](), list[str]()
        while left:
            word = left.pop(0)
            if not is_option(word):
                places.append(word)
                continue
            name, equals, value = word.partition("=")
            follows = None if equals or not left or is_option(left[0]) else left[0]
            taken, used = self._option(name, value if equals else None, follows)
            options += taken
            del left[:used]
        return [*self._placed(places), *options]

    def _option(self, name: str, value: str | None, follows: str | None) -> tuple[list[str], int]:
        """Return an option's words, and how many of those that follow are among them."""
        if name not in self.options:
            if self.command.open:
                own = [name] if value is None else [f"{name}={value}"]
                return ([*own, follows], 1) if follows is not None else (own, 0)
            near = closest(name, [each for each in self.options if each.startswith("--")], 1)
            if not near:
                return [], 0
            name = near[0]
        argument = self.options[name]
        if argument.options.get("action") not in (None, "append"):
            return [name], 0
        said = follows if value is None else value
        right = _right(argument, said)
        return ([name, right] if right else []), int(value is None and follows is not None)

    def _placed(self, words: list[str]) -> list[str]:
        """Return what stands by its place: no more than there is room for, and no less."""
        left, made = list(words), list[str]()
        for argument in self.places:
            number = argument.options.get("nargs")
            if number in ("*", "+"):
                made, left = made + left, []
                if number == "+" and not made:
                    made.append(_example(argument))
            elif left:
                made.append(_right(argument, left.pop(0)))
            elif number is None:
                made.append(_example(argument))
        return made


def is_option(word: str) -> bool:
    """Whether a word begins an option: a negative number is a value."""
    return word.startswith("-") and not _NEGATIVE.fullmatch(word)


def _right(argument: Argument, said: str | None) -> str:
    """Return what was said if it can be taken, else the nearest to it, else an example."""
    choices = [str(each) for each in argument.options.get("choices") or ()]
    read: Callable[[str], Any] = argument.options.get("type") or str
    if said is not None and choices:
        return said if said in choices else (closest(said, choices, 1) or choices)[0]
    if said is not None and _taken(read, said):
        return said
    patterns, example = _EXAMPLES.get(str(argument.options.get("metavar")), ((), ""))
    for pattern, form in patterns:
        found = re.fullmatch(pattern, said or "")
        if found and _taken(read, form.format(*found.groups())):
            return form.format(*found.groups())
    return example or _example(argument)


def _taken(read: Callable[[str], Any], said: str) -> bool:
    try:
        read(said)
    except (AimError, ValueError):
        return False
    return True


def _example(argument: Argument) -> str:
    choices = argument.options.get("choices")
    if choices:
        return str(choices[0])
    return _NAMES.get(argument.completes or "", "") if not argument.names[0].startswith("-") else ""
