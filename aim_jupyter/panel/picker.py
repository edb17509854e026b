"""The model field of the panel: the same as the sidebar's, as a widget.

An anywidget, not a control of ipywidgets: those send no arrow keys, and every letter would go to
the kernel, which hears none of them while a cell runs. The list is looked through in the browser.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from aim_jupyter.panel.controls import WRITING, OneWriter

_STATIC = Path(__file__).parent / "static"


class Picker(OneWriter, anywidget.AnyWidget):
    """A line to type in, and the models below it with what each would be here.

    Parameters
    ----------
    choose : callable
        Called with the name of a model, empty for none, and whether it is to run beside a server
        that has it.
    attach : callable
        Called with the name of a server that has the model already.
    """

    _esm = _STATIC / "picker.js"
    _css = _STATIC / "picker.css"
    #: What is shown: models, chosen, offline, about; see ``picker.d.ts``.
    shown = traitlets.Dict().tag(sync=True)

    def __init__(
        self, choose: Callable[[str, bool], None], attach: Callable[[str], None], **traits: Any
    ) -> None:
        super().__init__(**traits)
        self._choose, self._attach = choose, attach
        self.on_msg(self._said)

    def _said(self, _: Any, content: Any, __: Any) -> None:
        """Take what its user does; what is none of it, as another page may send, is left."""
        match content:
            case {"do": "choose", "model": str(model), "another": bool(another)}:
                self._choose(model, another)
            case {"do": "attach", "server": str(server)}:
                self._attach(server)

    def show(self, state: dict[str, Any]) -> None:
        """Show a state; one that is shown already is not sent again."""
        with WRITING:
            if self.shown != state:
                self.shown = state
