"""A request as the words of a launch line: a wish each, in one order."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from aim_jupyter.core.defaults import IDLE_S
from aim_jupyter.core.durations import duration
from aim_jupyter.core.planning import Request
from aim_jupyter.core.recipes.options import plain

#: Wishes with one value each, and their option, in the order of a line.
OPTIONS = {
    "recipe": "--recipe",
    "precision": "--precision",
    "metric": "--metric",
    "users": "--users",
    "context": "--context",
    "gpus": "--gpus",
    "engine": "--engine",
    "name": "--name",
    "port": "--port",
    "listen": "--listen",
    "idle_s": "--idle",
    "lifetime_s": "--for",
    "restarts": "--restart",
    "with_jupyter": "--with-jupyter",
    "start": "--start",
    "force": "--force",
}
#: Options of a launch that are ours: one of the engine's with such a name has to be said by
#: ``--set``. `tests/core/api/test_lines.py` holds this against the table of verbs.
OURS = {option.removeprefix("--") for option in OPTIONS.values()} | {
    *("set", "unset", "env", "new", "help"),
}
#: Variables whose values are nobody's to read: a line that is shown leaves them out.
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|(^|_)KEY(_|$)|API_?KEY", re.IGNORECASE)


class Wish(NamedTuple):
    """One part of a request: the field of `Request`, what it holds, and its words on a line."""

    field: str
    value: Any
    words: tuple[str, ...]

    @property
    def secret(self) -> bool:
        """Whether it is a variable whose value should not be shown."""
        return self.field == "env" and any(_SECRET.search(name) for name in self.value)


def words(request: Request) -> tuple[str, ...]:
    """Return the words that follow ``%aim launch`` and ask for the same.

    A variable that looks like a secret is left out: the line will be shown.

    Examples
    --------
    >>> words(Request(model="demo", users=16, options={"max-num-seqs": "8"}))
    ('demo', '--users', '16', '--max-num-seqs', '8')
    """
    return tuple(
        word for wish in ordered(wishes(request)) for word in wish.words if not wish.secret
    )


def ordered(wished: Iterable[Wish]) -> list[Wish]:
    """Return wishes in the order of a line."""
    order = ["model", *OPTIONS, "options", "unset", "env"]
    return sorted(wished, key=lambda wish: order.index(wish.field))


def line(wished: Sequence[Wish], *, new: bool = False) -> str:
    """Return wishes as a complete line."""
    said = [shlex.quote(word) for wish in ordered(wished) for word in wish.words]
    return " ".join(["%aim launch", *said, *(["--new"] if new else [])])


def wishes(request: Request) -> Iterator[Wish]:
    """Yield the wishes of a request; what it leaves open is none."""
    yield Wish("model", request.model, (request.model,))
    for field, option in OPTIONS.items():
        value = getattr(request, field)
        if value != (IDLE_S if field == "idle_s" else None) and value is not False:
            yield Wish(field, value, (option, *_said(field, value)))
    for name, value in request.options.items():
        yield _engine_option(plain(name), value)
    for name in request.unset:
        yield Wish("unset", (name,), ("--unset", name))
    for name, value in request.env.items():
        yield Wish("env", {name: value}, ("--env", f"{name}={value}"))


def _said(field: str, value: Any) -> tuple[str, ...]:
    if field in ("force", "with_jupyter"):
        return ()
    if field in ("idle_s", "lifetime_s"):
        return (duration(value),)
    return (",".join(map(str, value)) if field == "gpus" else str(value),)


def _engine_option(name: str, value: Any) -> Wish:
    """Return an option of the engine as the line is read: as text, or as a bare switch."""
    if name in OURS:
        said = "true" if value is None else _text(value)
        return Wish("options", {name: said}, ("--set", f"{name}={said}"))
    if value is None or isinstance(value, bool):
        spelled = f"--{'no-' if value is False else ''}{name}"
        return Wish("options", {spelled: None}, (spelled,))
    said = _text(value)
    # What begins with a dash would be taken for the next option.
    words = (f"--{name}={said}",) if said.startswith("-") or not said else (f"--{name}", said)
    return Wish("options", {f"--{name}": said}, words)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
