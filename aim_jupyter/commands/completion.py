"""What Tab offers after ``%aim``, and after ``aim-engine`` in a shell.

Runs in the kernel's own thread at each Tab, so it reads names only: no device, no network, no
engine. What it reads from disk is kept for a few seconds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from aim_jupyter.commands import parsing
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core import api, recipes, serving
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.request.record import Names
from aim_jupyter.work import runs

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

KEPT_S = 5.0

_LINE = re.compile(r"%{1,2}aim\s+(?P<words>.*)$")
_kept: dict[str, tuple[float, list[str]]] = {}


def matches(context: CompletionContext) -> SimpleMatcherResult:
    """Complete verbs, options, models, recipes and servers on a line of ours, nothing elsewhere."""
    from IPython.core.completer import SimpleCompletion  # noqa: PLC0415 - a shell completes without

    found = _LINE.search(context.line_with_cursor[: context.cursor_position])
    if not found:
        return {"completions": [], "suppress": False}
    words = found["words"].split(" ")
    offers = [word for word in candidates(words[:-1]) if word.startswith(words[-1])]
    # IPython replaces its own token, which may be only a part of the word: `qwen3-` ends at a dash.
    kept = len(words[-1]) - len(context.token) if words[-1].endswith(context.token) else 0
    return {
        "completions": [SimpleCompletion(offer[max(0, kept) :], type="magic") for offer in offers],
        "suppress": True,
    }


def candidates(before: list[str]) -> list[str]:
    """Return what may stand after the words `before`, which are complete."""
    command, rest = _command(before)
    if command is None:
        prefix = f"{before[0]} " if before else ""
        return [name.removeprefix(prefix) for name in parsing.verbs() if name.startswith(prefix)]
    options = {name: each for each in command.arguments for name in each.names}
    if not rest and before:
        # `cache` is a verb, and the beginning of others.
        begun = f"{command.name} "
        longer = [name.removeprefix(begun) for name in parsing.verbs() if name.startswith(begun)]
        if longer:
            return [*longer, *(name for name in options if name.startswith("-"))]
    if rest and rest[-1] in options and options[rest[-1]].options.get("action") is None:
        argument = options[rest[-1]]
        return _names(argument.completes, rest) or _choices(argument.options)
    positional = [each for each in command.arguments if not each.names[0].startswith("-")]
    taken = [word for word in rest if not word.startswith("-")]
    offers = [name for name in options if name.startswith("-")]
    if len(taken) < len(positional):
        argument = positional[len(taken)]
        offers = [*_names(argument.completes, rest), *_choices(argument.options), *offers]
    return offers


def _command(words: list[str]) -> tuple[Command | None, list[str]]:
    by_name = {command.name: command for command in COMMANDS if command.name}
    by_name |= {command.also: command for command in COMMANDS if command.also}
    for length in (2, 1):
        name = " ".join(words[:length])
        if len(words) >= length and name in by_name:
            return by_name[name], words[length:]
    return None, words


def _choices(options: dict[str, object]) -> list[str]:
    choices = options.get("choices")
    return [str(choice) for choice in choices] if isinstance(choices, Iterable) else []


_READ: dict[Names, Callable[[], list[str]]] = {
    "models": lambda: [model.name for model in recipes.catalogue().models],
    "cached": lambda: [one.model for one in api.models_on_disk()],
    "servers": lambda: [folder.name for folder in serving.folders()],
    "programs": lambda: _programs(),  # noqa: PLW0108 - defined below
    "runs": lambda: [folder.id for folder in runs.folders()],
}


def _names(kind: Names | None, rest: list[str]) -> list[str]:
    if kind in _READ:
        return _recently(kind, _READ[kind])
    if kind == "recipes" and rest and not rest[0].startswith("-"):
        return _recently(f"recipes {rest[0]}", lambda: _recipe_ids(rest[0]))
    return []


def _programs() -> list[str]:
    from aim_jupyter.work import connect  # noqa: PLC0415 - for whoever connects

    return connect.programs()


def _recipe_ids(model: str) -> list[str]:
    return [recipe.id for recipe in recipes.catalogue().find(model).recipes]


def _recently(key: str, read: Callable[[], list[str]]) -> list[str]:
    at, names = _kept.get(key, (0.0, []))
    if time.monotonic() - at > KEPT_S:
        try:
            names = read()
        except AimError:
            # A half-typed name is no error while it is being typed.
            names = []
        _kept[key] = (time.monotonic(), names)
    return names
