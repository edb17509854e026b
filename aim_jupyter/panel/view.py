"""The panel as its user sees it: controls of ipywidgets that show a controller's scenes.

The cell gives a skeleton, which the browser draws at once; the controls come when it has been
drawn, and what they show when the core has answered. Handlers hand over and return. One thread
writes the controls, at most `RATE_S` apart, whether or not a cell runs; clicks wait for the end of
a cell, which the panel says. While nobody can see the panel nothing is looked at, and when its cell
is run again the former one is closed.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets as widgets
from IPython.core.display_functions import display
from IPython.core.getipython import get_ipython

from aim_jupyter.panel import controls
from aim_jupyter.panel.controller import Controller
from aim_jupyter.panel.controls import WRITING, Writer, on_user, put
from aim_jupyter.panel.remains import Remains
from aim_jupyter.panel.state import PAGES, Form, Scene
from aim_jupyter.render import skeleton

if TYPE_CHECKING:
    from aim_jupyter.panel.launching import Launching
    from aim_jupyter.panel.serving import Cached, Serving

#: Seconds between two states of the controls.
RATE_S = 0.2
#: Seconds after which the controls are made, also where no browser has drawn the panel.
FIRST_S = 1.0
_BUSY = "A cell is running: what you click here is done when it has ended."

_open: dict[str, Panel] = {}


class Page(Protocol):
    """A tab with its controls."""

    root: Any

    def show(self, scene: Scene) -> None:
        """Show a scene."""


class Panel:
    """A deploy panel; it is shown when it is a cell's result.

    Parameters
    ----------
    form : Form
        What is chosen at first.

    Examples
    --------
    >>> from aim_jupyter.panel.view import Panel
    >>> Panel()                                                       # doctest: +SKIP
    """

    def __init__(self, form: Form | None = None) -> None:
        self.controller = Controller(form)
        self.pages: tuple[Launching, Serving, Cached] | None = None
        self._places = [controls.column(controls.html()) for _ in PAGES]
        self._places[0].children[0].value = skeleton.launch()
        self._drawn = threading.Event()
        self._filling = threading.Lock()
        self.tabs = controls.Tabs(self._places)
        self.tabs.titles = ("Launch", "Servers", "Cache")
        self.message = controls.html()
        # At the right end of the tabs' own row.
        mark = controls.html(skeleton.mark())
        mark.layout.height, mark.layout.margin = "28px", "0 2px -28px auto"
        self.root = controls.Column([mark, self.tabs, self.message])
        self.root.layout.max_width = "960px"
        self.root.layout.overflow = "visible"
        on_user(self.tabs, lambda index: self.controller.turn(PAGES[index or 0]), "selected_index")
        self._remains = Remains(self.root)
        # From 0 on the browser counts in it where the panel can be seen.
        self.root._view_count = 0  # noqa: SLF001 - there is no other way to know
        on_user(self.root, self._seen, "_view_count")
        self._shell = get_ipython()
        self._cell = _cell_id(self._shell)
        self._begin()

    def close(self) -> None:
        """End the panel: its threads, its controls. Servers go on."""
        if self.controller.closed:
            return
        self.controller.close()
        if self._shell is not None:
            for event, told in (("pre_run_cell", self._before), ("post_run_cell", self._after)):
                self._shell.events.unregister(event, told)
        with WRITING:
            _close(self.root)

    def _begin(self) -> None:
        if self._cell:
            former = _open.pop(self._cell, None)
            if former is not None:
                former.close()
            _open[self._cell] = self
        if self._shell is not None:
            self._shell.events.register("pre_run_cell", self._before)
            self._shell.events.register("post_run_cell", self._after)
        threading.Thread(target=self._write, daemon=True, name="aim-panel-writer").start()

    def fill(self) -> tuple[Launching, Serving, Cached]:
        """Put the controls in the place of the skeleton, once, and return the pages that have them.

        Making them takes longer than drawing the skeleton: each is a message or two.
        """
        # What they stand on is not needed before: fit bars, cards, figures.
        from aim_jupyter.panel.launching import Launching  # noqa: PLC0415
        from aim_jupyter.panel.serving import Cached, Serving  # noqa: PLC0415

        with self._filling:
            if self.pages is None:
                self.pages = (Launching(self.controller), Serving(self.controller), Cached())
                pages: tuple[Page, ...] = self.pages
                with Writer():
                    for place, page in zip(self._places, pages, strict=True):
                        page.show(self.controller.scene)
                        former, place.children = place.children, [page.root]
                        for part in former if not self.controller.closed else place.children:
                            _close(part)
        return self.pages

    def _seen(self, count: int | None) -> None:
        self.controller.watch(watched=bool(count))
        if count:
            self._drawn.set()

    def _before(self, *_: object) -> None:
        self.controller.cell(busy=True)

    def _after(self, *_: object) -> None:
        self.controller.cell(busy=False)

    def _write(self) -> None:
        self._drawn.wait(FIRST_S)
        version = 0
        while not self.controller.closed:
            try:
                pages = self.fill()
                self.controller.start()
                with Writer():
                    if not self.controller.closed:
                        self._show(pages, self.controller.scene)
                self._remains.keep(self.controller.scene)
            except Exception:  # noqa: BLE001 - a defect: seen where it happened, not in a log
                with Writer():
                    put(self.message, value=_message(traceback.format_exc().splitlines()))
            time.sleep(RATE_S)
            version = self.controller.wait(version)

    def _show(self, pages: tuple[Launching, Serving, Cached], scene: Scene) -> None:
        for page in pages:
            page.show(scene)
        put(self.tabs, selected_index=PAGES.index(scene.page))
        titles = ("Launch", f"Servers ({scene.live})" if scene.live else "Servers", "Cache")
        put(self.tabs, titles=titles)
        put(self.message, value=_message(scene.error, busy=scene.busy))

    # -- where no control can be shown -----------------------------------------------------------

    def _ipython_display_(self) -> None:
        shown = self.root._repr_mimebundle_()
        # What is left below says all that controls can't; else both would be read.
        display({**shown, "text/plain": repr(self), "text/html": ""}, raw=True)
        self._remains.place(self.controller.scene)

    def __repr__(self) -> str:
        scene = self.controller.scene
        state = "closed" if self.controller.closed else f"{scene.live} servers"
        return f"Panel({scene.form.chosen.model or 'no model'!r}, {state})"


def _message(error: Sequence[str], *, busy: bool = False) -> str:
    from aim_jupyter.render import panel  # noqa: PLC0415 - as `fill` has it

    return panel.problem(error) + (panel.note(_BUSY) if busy else "")


def _cell_id(shell: Any) -> str | None:
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    found = (parent.get("metadata") or {}).get("cellId")
    return str(found) if found else None


def _close(control: widgets.Widget) -> None:
    for child in getattr(control, "children", ()):
        _close(child)
    for part in (control, control.layout, getattr(control, "style", None)):
        if part is not None:
            part.close()
