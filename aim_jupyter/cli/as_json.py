"""What a verb prints for programs: one JSON value, or one a line."""

from __future__ import annotations

import collections
from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from aim_jupyter.cli.mapping import mapped
from aim_jupyter.cli.wording import (
    no_client,
    ours,
    plotted,
    said,
    sampling,
    serve_gateway,
    serve_metrics,
)
from aim_jupyter.commands import looks, parsing
from aim_jupyter.commands.looks import Look


def show(look: Look, given: Namespace, answer: Any) -> None:
    """Print an answer; what comes one after the other is printed as it comes."""
    of_its_own = _OWN.get(look)
    for value in of_its_own(given, answer) if of_its_own else _values(look, answer):
        text = msgspec.json.encode(value).decode()
        print(ours(text) if look.typed else text, flush=True)


def _values(look: Look, answer: Any) -> Iterator[Any]:
    if look.plain is not None:
        yield from look.plain(answer)
    else:
        yield answer if look.rows is None else look.rows(answer)


def _reply(given: Namespace, folder: Any) -> Iterator[Any]:
    from aim_jupyter.verbs.conversation import Conversation  # noqa: PLC0415 - for a chat only
    from aim_jupyter.verbs.server import Server  # noqa: PLC0415

    replies = Conversation(Server(folder), given.system).say(said(given), **sampling(given))
    yield collections.deque(replies, maxlen=1).pop()._asdict()


def _figure(given: Namespace, answer: Any) -> Iterator[Any]:
    yield {"file": str(plotted(given, answer))}


def _exporter(given: Namespace, _: Any) -> Iterator[Any]:
    serve_metrics(given)
    yield from ()


def _gateway(given: Namespace, _: Any) -> Iterator[Any]:
    serve_gateway(given)
    yield from ()


def _help(_: Namespace, verb: Any) -> Iterator[Any]:
    yield {"help": parsing.help_text(verb, parsing.PROGRAM)}


def _mapped(given: Namespace, _: Any) -> Iterator[Any]:
    yield {"file": str(mapped(given))}


#: What is made of the options too.
_OWN: dict[Look, Callable[[Namespace, Any], Iterator[Any]]] = {
    looks.REPLY: _reply,
    looks.FIGURE: _figure,
    looks.EXPORTER: _exporter,
    looks.GATEWAY: _gateway,
    looks.ALL: no_client,
    looks.MAPPED: _mapped,
    looks.HELP: _help,
}
