"""The controls of a panel: those of ipywidgets, each written by one thread at a time.

A control is written from two sides: by the browser, in the kernel's own thread, and by the panel's
writer. ipywidgets keeps what it must not send back in an attribute of the widget without a lock, so
a write from each side at the same moment could lose one; `WRITING` keeps them apart.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import ipywidgets as widgets

#: Held while controls are written.
WRITING = threading.RLock()
NAME_WIDTH = "104px"

#: The thread that writes, while it does.
_writers: list[int] = []


class OneWriter:
    """Takes what the browser says while no writer writes."""

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the browser says."""
        with WRITING:
            super().set_state(sync_data)  # type: ignore[misc]


class Dropdown(OneWriter, widgets.Dropdown):  # type: ignore[misc]
    """A list to choose from."""


class Text(OneWriter, widgets.Text):  # type: ignore[misc]
    """A line to type."""


class Number(OneWriter, widgets.BoundedIntText):  # type: ignore[misc]
    """A whole number."""


class Toggle(OneWriter, widgets.ToggleButton):  # type: ignore[misc]
    """A button that stays down."""


class Tabs(OneWriter, widgets.Tab):  # type: ignore[misc]
    """Pages behind each other."""


class Column(OneWriter, widgets.VBox):  # type: ignore[misc]
    """Parts below each other."""


class Writer:
    """Writes controls for a panel: nothing that a writer does counts as its user's doing."""

    def __enter__(self) -> Self:
        WRITING.acquire()
        _writers.append(threading.get_ident())
        return self

    def __exit__(self, *_: object) -> None:
        _writers.pop()
        WRITING.release()


def on_user(control: Any, do: Callable[[Any], None], trait: str = "value") -> None:
    """Call `do` with the new value of a control when its user has changed it."""

    def changed(change: Any) -> None:
        if threading.get_ident() not in _writers:
            do(change.new)

    control.observe(changed, trait)


def put(control: Any, **traits: Any) -> None:
    """Give a control these values; what it has already is not sent again."""
    for name, value in traits.items():
        if getattr(control, name) != value:
            setattr(control, name, value)


def offer(control: Dropdown, options: Sequence[tuple[str, Any]], value: Any) -> None:
    """Give a list its options and what is chosen of them; nothing where that is none of them."""
    if tuple(control.options) != tuple(options):
        control.options = tuple(options)
    known = value if any(value == one for _, one in options) else None
    if control.value != known:
        control.value = known


def show(part: Any, *, visible: bool) -> None:
    """Show or hide a part."""
    put(part.layout, display=None if visible else "none")


def html(value: str = "", **layout: str) -> Any:
    """Return a piece of HTML."""
    return widgets.HTML(value, layout=widgets.Layout(margin="0", **layout))


def row(*parts: Any, **layout: str) -> Any:
    """Return parts beside each other, below each other where there is no room."""
    given = {"align_items": "center", "flex_flow": "row wrap", "grid_gap": "4px 8px", **layout}
    return widgets.HBox(parts, layout=widgets.Layout(overflow="visible", **given))


def column(*parts: Any, **layout: str) -> Any:
    """Return parts below each other."""
    given = {"grid_gap": "8px", **layout}
    return widgets.VBox(parts, layout=widgets.Layout(overflow="visible", **given))


def label(name: str) -> Any:
    """Return a name, as HTML, in the column of the controls' own names."""
    shown = html(name, width=NAME_WIDTH)
    shown.layout.margin = "0 0 0 2px"
    return shown


def named(name: str, width: str, **style: str) -> dict[str, Any]:
    """Return the traits of a control with a name on its left, all names in one column."""
    return {
        "description": name,
        "style": {"description_width": NAME_WIDTH, **style},
        "layout": widgets.Layout(width=width, max_width="100%"),
    }


def button(name: str, tooltip: str, style: str = "", width: str = "106px") -> Any:
    """Return a button."""
    layout = widgets.Layout(width=width)
    return widgets.Button(description=name, tooltip=tooltip, button_style=style, layout=layout)
