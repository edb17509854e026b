"""The variables by which OpenAI's clients, and all that is built on them, find a server."""

from __future__ import annotations

import shlex

from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.serving import ServerFolder


def environment(folder: ServerFolder) -> dict[str, str]:
    """Return the variables for a server; the key is among them.

    Raises
    ------
    ServerGone
        If it has ended.
    BadUsage
        If it listens on a socket file, which no variable can name.
    """
    record = api.reachable(folder)
    if record.socket:
        found = f"Server {folder.name!r} listens on a socket file: a variable can't name that."
        raise BadUsage(found, f"%aim attach {folder.name}")
    return {"OPENAI_BASE_URL": record.base_url, "OPENAI_API_KEY": folder.key()}


def exports(folder: ServerFolder) -> list[str]:
    """Return the lines that a shell evaluates to have the same."""
    return [f"export {name}={shlex.quote(said)}" for name, said in environment(folder).items()]
