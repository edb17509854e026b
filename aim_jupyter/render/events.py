"""An event as a line, for whoever follows what happens."""

from __future__ import annotations

from aim_jupyter.core.events import Event
from aim_jupyter.render import words


def event_line(event: Event) -> str:
    """Return when it was, to which server, of which kind, and what happened."""
    said = [words.clock(event.at), event.server, event.kind, words.clean(event.message)]
    took = f"({words.duration(event.took_s)})" if event.took_s is not None else ""
    return "  ".join(filter(None, [*said, took]))
