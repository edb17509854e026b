"""What is left of a panel whose controls are gone: its last state, and the line that revives it.

Controls of a widget, of whatever library, end with their kernel: what a browser shows of them then
is broken links, and after a reload an error. So HTML stands below them in the same cell, is saved
with the notebook, and is shown by its own style where no live controls of this panel are. Where a
host takes styles away (an untrusted notebook, a site that shows notebooks), it is always shown.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from IPython.core.display_functions import display

from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import ServerView
from aim_jupyter.core.request import words
from aim_jupyter.panel.state import Scene
from aim_jupyter.render import html as h
from aim_jupyter.render.card import Card, card

#: Seconds in which a browser draws the controls: until then a page that is opened shows neither.
_DRAWN_S = 2
#: Seconds between two states that are kept: each is a change of the notebook.
KEPT_EVERY_S = 5.0
_GONE = "jupyter-widgets-disconnected"
_SAID = "The panel as it was. This line opens it again, as it stands:"


class Remains:
    """The HTML beside the controls of one panel.

    Parameters
    ----------
    root : Widget
        The outermost of the controls.
    """

    def __init__(self, root: Any) -> None:
        self._live = f"aim-live-{root.model_id}"
        self._here = f"aim-left-{root.model_id}"
        root.add_class(self._live)
        self._handle: Any = None
        self._facts: object = None
        self._kept_at = 0.0

    def place(self, scene: Scene) -> None:
        """Show it below the controls; a panel that is shown once more keeps what is shown last."""
        self._handle = display(self._bundle(scene), raw=True, display_id=True)

    def keep(self, scene: Scene) -> None:
        """Keep a scene, if it says something else than the one that is kept, and not too often."""
        facts = (_line(scene), [_words(view) for view in scene.views or ()])
        now = time.monotonic()
        if self._handle is None or facts == self._facts or now - self._kept_at < KEPT_EVERY_S:
            return
        self._facts, self._kept_at = facts, now
        self._handle.update(self._bundle(scene), raw=True)

    def _bundle(self, scene: Scene) -> dict[str, str]:
        left = last_state(scene)
        shown = h.tag("div", h.Html(left.html), id=self._here)
        return {"text/html": self._style() + shown, "text/plain": left.text}

    def _style(self) -> str:
        live, here = f".{self._live}", f"#{self._here}"
        # JupyterLab's own error stands where controls are not known any more.
        error = f".jp-OutputArea-child:has(+.jp-OutputArea-child {here}):not(:has({live}))"
        rules = (
            f"body:has({live}:not(.{_GONE})) {here}{{display:none}}",
            f"{live}.{_GONE}{{display:none}}",
            f"{error}{{display:none}}",
            f"{here}{{animation:aim-left 0s {_DRAWN_S}s backwards}}",
            "@keyframes aim-left{from{max-height:0;overflow:hidden;visibility:hidden}}",
        )
        return f"<style>{''.join(rules)}</style>"


def last_state(scene: Scene, *, at: float | None = None) -> Card:
    """Return what stood in a panel: its servers, and the line that opens the same again."""
    views = scene.views or ()
    when = time.strftime("%H:%M", time.localtime(at))
    servers = [_words(view) for view in views] or ["no server"]
    body = h.part(
        *(h.line(words) for words in servers),
        h.line(h.soft(_SAID)),
        h.code_box(_line(scene)),
    )
    head = h.head("panel", h.soft(f"as it was at {when}"))
    return card(h.card(head, body), _text(servers, when, _line(scene)))


def _text(servers: Sequence[str], when: str, line: str) -> list[str]:
    return [f"panel, as it was at {when}", *servers, _SAID, f"    {line}"]


def _line(scene: Scene) -> str:
    """Return the line of a panel with this form; it is saved, so that no secret may stand in it."""
    request = scene.form.chosen
    # A word of what was typed may be wrong: then it is what has a control of its own.
    with contextlib.suppress(AimError):
        request = scene.form.request() if request.model else request
    return words.launch(words.words(request), verb="panel")


def _words(view: ServerView) -> str:
    record = view.record
    parts = [record.name, record.state, record.plan.model, record.plan.devices]
    return " · ".join(filter(None, [*parts, record.endpoint if record.live else None]))
