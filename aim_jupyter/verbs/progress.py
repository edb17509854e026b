"""How a map shows itself where it was called from Python: in place, in a notebook or a terminal."""

from __future__ import annotations

import sys
from typing import Any

from aim_jupyter import render
from aim_jupyter.work.map.mapping import Show
from aim_jupyter.work.records import Look


def shower() -> Show | None:
    """Return what shows a run as it goes, None where nobody looks."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if hasattr(shell, "kernel"):
        return InNotebook(ipython)
    return InTerminal() if sys.stderr.isatty() else None


class InNotebook:
    """A card in the cell that asks, replaced each second; its last state stays."""

    def __init__(self, ipython: Any) -> None:
        self._display = ipython.display.display
        self._handle: Any = None

    def __call__(self, look: Look) -> None:
        """Show a state."""
        card = render.map_card(look)
        bundle = {"text/plain": card.text, "text/html": card.html}
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class InTerminal:
    """A line that is written over; the card stands when it has ended."""

    def __call__(self, look: Look) -> None:
        """Show a state."""
        ended = look.state in ("done", "stopped")
        text = render.map_card(look).terminal if ended else render.map_line(look)
        sys.stderr.write(f"\r\x1b[K{text}" + ("\n" if ended else ""))
        sys.stderr.flush()
