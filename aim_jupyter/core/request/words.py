"""A request as the words of a launch line: a wish each, in the order of the table."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from aim_jupyter.core import credentials
from aim_jupyter.core.errors import closest
from aim_jupyter.core.recipes.arguments.options import plain
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request.record import OPTIONS, Option, Request
from aim_jupyter.core.request.values import SWITCH

#: Options of a launch that are ours: one of the engine's with such a name has to be said by
#: ``--set``.
OURS = {one.word.removeprefix("--") for one in OPTIONS if not one.positional} | {"help"}
_ORDER = [one.field for one in OPTIONS]


class Wish(NamedTuple):
    """One part of a request: the option, what is wished, and its words on a line."""

    option: Option
    value: Any
    words: tuple[str, ...]

    @property
    def field(self) -> str:
        """The field of `Request`."""
        return self.option.field

    @property
    def secret(self) -> bool:
        """Whether it is a variable whose value should not be shown."""
        return self.option.secret and any(map(credentials.looks_secret, self.value))


def words(request: Request) -> tuple[str, ...]:
    """Return the words that follow ``%aim launch`` and ask for the same.

    A variable that looks like a secret is left out: the line will be shown.

    Examples
    --------
    >>> words(Request(model="demo", users=16, options={"max-num-seqs": "8"}))
    ('demo', '--users', '16', '--max-num-seqs', '8')
    """
    return tuple(word for wish in wishes(request) for word in wish.words if not wish.secret)


def line(wished: Iterable[Wish]) -> str:
    """Return wishes as a complete line."""
    ordered = sorted(wished, key=lambda wish: _ORDER.index(wish.field))
    return launch([word for wish in ordered for word in wish.words])


def launch(said: Iterable[str], *, verb: str = "launch") -> str:
    """Return the words of a line as one that runs when it is pasted.

    Examples
    --------
    >>> launch(("./my model", "--users", "4"))
    "%aim launch './my model' --users 4"
    """
    return shlex.join(("%aim", verb, *said))


def again(plan: Plan) -> str:
    """Return the line that asks for a plan once more."""
    return launch(plan.asked or (plan.model,))


def without(words: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    """Return the words of a launch line without these options and their values.

    Examples
    --------
    >>> without(("demo", "--port", "8000", "--force", "--seed=-1"), {"port", "seed"})
    ('demo', '--force')
    """
    kept: list[str] = []
    dropping = False
    for position, word in enumerate(words):
        if position and word.startswith("--"):
            name = word.removeprefix("--").partition("=")[0]
            dropping = name in names or name.removeprefix("no-") in names
            if not dropping:
                kept.append(word)
            # `--name=value` is a word: what follows is not its value.
            dropping = dropping and "=" not in word
        elif not dropping:
            kept.append(word)
    return tuple(kept)


def mended(request: Request, known: Collection[str], errors: Iterable[str]) -> str:
    """Return the line of a request of which the engine refuses some options, as it takes it.

    A misspelt option gets the nearest name, one that can't be mended is left out.

    Parameters
    ----------
    known : collection of str
        Every option of the engine, with dashes.
    errors : iterable of str
        What is wrong, each with the option's name.

    Examples
    --------
    >>> mended(Request(model="demo", options={"max-num-seq": "4"}), ["--max-num-seqs"], [])
    '%aim launch demo --max-num-seqs 4'
    """
    refused, said = " ".join(errors), list[Wish]()
    by_word = {one.word: one for one in OPTIONS}
    options: dict[str, Any] = {}
    for name, value in request.options.items():
        bare = f"--{plain(name).partition('.')[0]}"
        if bare in known or f"--{bare[2:].removeprefix('no-')}" in known:
            if f"{bare}:" not in refused:
                options[name] = value
            continue
        # Without dashes: those are what any two have in common.
        names = [name.removeprefix("--") for name in (*by_word, *known)]
        near = "".join(f"--{name}" for name in closest(bare[2:], names, 1))
        if near in by_word:
            own = () if value is None else (str(value),)
            if own or by_word[near].kind is SWITCH:
                said.append(Wish(by_word[near], value, (near, *own)))
        elif near:
            options[near] = value
    env = {name: value for name, value in request.env.items() if f"{name}:" not in refused}
    return line([*wishes(replace(request, options=options, env=env)), *said])


def wishes(request: Request) -> Iterator[Wish]:
    """Yield the wishes of a request, in the order of a line; what it leaves open is none."""
    for option in OPTIONS:
        value = getattr(request, option.field)
        if value != option.default:
            yield from _of(option, value)


def request(wished: Sequence[Wish]) -> Request:
    """Return the request that has these wishes and no others."""
    said: dict[str, Any] = {}
    for option, value, _ in wished:
        if isinstance(value, Mapping):
            said[option.field] = {**said.get(option.field, {}), **value}
        elif option.kind.gather:
            said[option.field] = (*said.get(option.field, ()), *value)
        else:
            said[option.field] = value
    return Request(**said)


def _of(option: Option, value: Any) -> Iterator[Wish]:
    if option.field == "options":
        for name, given in value.items():
            yield _engine_option(option, plain(name), given)
    elif option.kind.gather:
        for one in value.items() if isinstance(value, Mapping) else value:
            yield Wish(option, option.gathered([one]), (option.word, option.kind.write(one)))
    else:
        said = () if option.kind is SWITCH else (option.kind.write(value),)
        yield Wish(option, value, said if option.positional else (option.word, *said))


def _engine_option(option: Option, name: str, value: Any) -> Wish:
    """Return an option of the engine as the line is read: as text, or as a bare switch."""
    if name in OURS:
        said = "true" if value is None else _text(value)
        return Wish(option, {name: said}, (option.word, f"{name}={said}"))
    if value is None or isinstance(value, bool):
        spelled = f"--{'no-' if value is False else ''}{name}"
        return Wish(option, {spelled: None}, (spelled,))
    said = _text(value)
    # What begins with a dash would be taken for the next option.
    words = (f"--{name}={said}",) if said.startswith("-") or not said else (f"--{name}", said)
    return Wish(option, {f"--{name}": said}, words)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
