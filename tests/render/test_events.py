"""An event as a line."""

from aim_jupyter.core.events import Event
from aim_jupyter.render.events import event_line


def test_what_happened_and_what_it_took() -> None:
    line = event_line(Event(at=0.0, server="a", kind="stage", message="load\x1b[1m", took_s=3.0))
    assert line.split("  ")[1:] == ["a", "stage", "load", "(3 s)"]
    assert not event_line(Event(at=0.0, server="a", kind="stage", message="x")).endswith(")")
