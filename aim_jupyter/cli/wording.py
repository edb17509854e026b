"""What both forms of output share: words as they are typed here, what was said, what is drawn."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from argparse import Namespace
from pathlib import Path
from typing import Any, TextIO

from aim_jupyter.commands import parsing
from aim_jupyter.core import api, hints
from aim_jupyter.core.errors import BadUsage

FAILED = 1


def ours(text: str) -> str:
    """Return a text of the core with the command lines as they are typed here."""
    return hints.in_shell(text, parsing.PROGRAM)


def styled(stream: TextIO) -> bool:
    """Whether what is written there may be bold and coloured (no-color.org says how to say no)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain


def said(given: Namespace) -> str:
    """Return what is to be said: of the option, else of standard input."""
    text = given.say or ("" if sys.stdin.isatty() else sys.stdin.read().strip())
    if not text:
        raise BadUsage("There is nothing to say.", f"{parsing.MAGIC} chat --say 'Hello'")
    return str(text)


def sampling(given: Namespace) -> dict[str, Any]:
    """Return how the answer is to be sampled."""
    return {"max_tokens": given.max_tokens, "temperature": given.temperature}


def plotted(given: Namespace, answer: Any) -> Path:
    """Draw what a server did and return the file."""
    path = given.to or Path(f"{api.server(given.server).name}-metrics.png")
    from aim_jupyter.tables import figures  # noqa: PLC0415 - for a figure only

    figures.plot(given.server, answer, path)
    return Path(path)


def serve_gateway(given: Namespace) -> None:
    """Be the one address of all servers until Ctrl-C."""
    from aim_jupyter.relay import app  # noqa: PLC0415 - as below

    with app.serving(given.port) as address:
        print(f"export OPENAI_BASE_URL={address.base_url}")
        print(f'export OPENAI_API_KEY="$(cat {shlex.quote(str(app.place()))})"')
        print("\nmodel= says which server: its name, its model, or an alias.")
        print("Ctrl-C ends it.", flush=True)
        threading.Event().wait()


def no_client(_given: Namespace, _answer: Any) -> Any:
    """Refuse what only a notebook can keep."""
    found = "A client of all servers needs their gateway, which stays in a terminal of its own."
    raise BadUsage(found, f"{parsing.MAGIC} gateway")


def serve_metrics(given: Namespace) -> None:
    """Offer the metrics of all servers to Prometheus until Ctrl-C."""
    from aim_jupyter.cli import exporter  # noqa: PLC0415 - a server, for whoever asks for it

    with exporter.serving(given.port) as url:
        print(f"Serving the metrics of all servers at {url}\nCtrl-C ends it.", flush=True)
        threading.Event().wait()
