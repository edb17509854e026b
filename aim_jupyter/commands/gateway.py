"""The verbs for several servers behind one address."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from aim_jupyter.commands import looks
from aim_jupyter.commands.arguments import argument
from aim_jupyter.commands.command import Command
from aim_jupyter.core import api


def _aliases(given: Namespace) -> list[str]:
    known = api.alias(given.said)
    return [f"{name} = {', '.join(meant)}" for name, meant in known.items()] or ["No alias yet."]


def client(given: Namespace) -> Any:
    """Return the server whose client is wanted, none for that of all of them."""
    if given.all and given.server is None:
        return None
    return api.attach(given.server)


GATEWAY: tuple[Command, ...] = (
    Command(
        "gateway",
        "one address and one key for all running servers: a request's model says which",
        lambda _: None,
        looks.GATEWAY,
        (argument("--port", type=int, metavar="N", help="default: a free one"),),
    ),
    Command(
        "alias",
        "a name of your own for a model behind the gateway: judge=qwen3-32b",
        _aliases,
        looks.LINES,
        (argument("said", nargs="?", metavar="NAME=MODEL", help="NAME= takes it back"),),
    ),
)
