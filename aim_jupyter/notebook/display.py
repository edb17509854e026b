"""Cards in a notebook: shown once, or updated in place until there is nothing more to tell.

Without ipywidgets: a display with an id is replaced by a small thread, at most once a second, so
that it survives in a saved notebook and in nbconvert's output. The thread only reads state files.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Any

from IPython.core.display_functions import display
from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell

from aim_jupyter import render
from aim_jupyter.commands import presenting
from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import AimError, ServerGone
from aim_jupyter.core.harmless import harmless
from aim_jupyter.core.records import CachedModel, Prefetch, ServerView, Top
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.render import Card
from aim_jupyter.verbs.conversation import Reply

TICK_S = 1.0
#: Seconds until a card looks again at its server, by state; at any other it has ended.
_NEXT_S = {"starting": TICK_S, "stopping": TICK_S, "running": 5.0, "unknown": 10.0}
#: Seconds between two states of what is replaced while a cell runs.
RATE_S = 0.2

_live: dict[str, LiveCard] = {}
_top: list[LiveTop] = []


def show(card: Card) -> None:
    """Show a card."""
    display(_bundle(card), raw=True)


def follow(folder: ServerFolder) -> None:
    """Show a server's card and keep it true until the server has ended, without blocking."""
    live = _live[folder.name] = LiveCard(folder)
    if updates_in_place():
        live.start()


def wait(views: Iterator[ServerView]) -> None:
    """Go through `views` while one line says how far the start is.

    The launch card of the same session ends in its last state, whatever the thread has seen.
    """
    line = InPlace()
    view: ServerView | None = None
    said: str | None = ""
    try:
        for view in views:
            line.put({"text/plain": render.progress_line(view)})
            if view.record.stage != said and not updates_in_place():
                # A terminal gets a line for each stage, else a long start would say nothing.
                line.end()
                said = view.record.stage
    finally:
        if view is not None and view.record.name in _live:
            _live[view.record.name].bring_up_to_date()
        line.end()


def reply(replies: Iterator[Reply]) -> None:
    """Show a reply as Markdown while it grows, and its figures below when it is complete."""
    shown, last = InPlace(), Reply()
    try:
        for last in replies:
            plain = harmless(last.text)
            shown.put({"text/plain": plain, "text/markdown": render.reply_markdown(last.text)})
    finally:
        shown.end()
    figures = render.reply_footer(last.tokens, last.ttft_s, last.gen_tok_s, last.finish_reason)
    show(figures)


def fetch(fetches: Iterator[Prefetch]) -> tuple[CachedModel, ...]:
    """Show a download while it goes on; return the models that it has brought."""
    shown, last = InPlace(), None
    try:
        for last in fetches:
            if last.progress is not None:
                shown.put(_bundle(render.download_card(last)))
    finally:
        shown.end()
    return last.done if last else ()


def updates_in_place() -> bool:
    """Whether what was shown can be replaced: in a notebook, not in a terminal."""
    return hasattr(get_ipython(), "kernel")


def register_tables(shell: InteractiveShell, frame: type) -> None:
    """Let DataFrames of ours be shown as `presenting.table` has them, others as before.

    Whoever has a formatter for DataFrames registered (itables does) keeps it. A notebook's
    ``text/plain`` stays pandas': it is for programs that read notebooks.

    Parameters
    ----------
    frame : type
        `pandas.DataFrame`, which is not imported here.
    """
    assert shell.display_formatter is not None  # noqa: S101 - every shell has one
    html = updates_in_place()
    formatter = shell.display_formatter.formatters["text/html" if html else "text/plain"]
    try:
        formatter.lookup_by_type(frame)
    except KeyError:
        formatter.for_type(frame, _table_html if html else _table_text)


def _table_html(frame: Any) -> str | None:
    of_pandas: str | None = frame._repr_html_()
    # None where the user has told pandas not to write HTML.
    ours = None if of_pandas is None else presenting.table(frame)
    return of_pandas if ours is None else render.frame_html(*ours)


def _table_text(frame: Any, printer: Any, _cycle: object) -> None:
    ours = presenting.table(frame)
    width = shutil.get_terminal_size().columns
    printer.text(repr(frame) if ours is None else render.frame_text(*ours, width))


class LiveTop:
    """What all servers do, in one output cell, renewed from a thread until it is ended."""

    def __init__(self, first: Top) -> None:
        self._last = first
        self._handle = display(self._bundle(), raw=True, display_id=True)
        self._ended = threading.Event()
        self._until = time.monotonic() + presenting.TOP_FOR_S
        self._thread = threading.Thread(target=self._run, daemon=True, name="aim-top")

    def start(self) -> None:
        """Renew it from a thread: the kernel stays free."""
        self._thread.start()

    def end(self) -> None:
        """Let the last picture stand."""
        self._ended.set()
        self._thread.join()

    @property
    def live(self) -> bool:
        """Whether it is still renewed."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._ended.wait(api.TOP_EVERY_S) and time.monotonic() < self._until:
            # A state folder that can't be read now may be again: old figures stay, dated.
            with contextlib.suppress(AimError):
                self._last = api.top()
                self._handle.update(self._bundle(), raw=True)
        self._handle.update(self._bundle(ended=True), raw=True)

    def _bundle(self, *, ended: bool = False) -> dict[str, str]:
        return _bundle(presenting.top_card(self._last, ended=ended))


def top(first: Top) -> None:
    """Show what all servers do, renewed where that is possible; the last such view ends."""
    if not updates_in_place():
        show(presenting.top_card(first, ended=True))
        return
    end_top()
    _top.append(LiveTop(first))
    _top[-1].start()


def end_top() -> bool:
    """End the live view; return whether there was one."""
    live = [each for each in _top if each.live]
    for each in live:
        each.end()
    _top.clear()
    return bool(live)


class Progress:
    """Lines that say what takes so long, gone again where the answer follows.

    A terminal keeps them: what was printed there can't be taken back.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._lines: list[str] = []

    def say(self, line: str) -> None:
        """Show one more line."""
        if not updates_in_place():
            print(line, flush=True)  # noqa: T201 - a magic's output is the cell's
            return
        self._lines.append(line)
        bundle = {"text/plain": "\n".join(self._lines)}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def clear(self) -> None:
        """Take the lines back."""
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)


class InPlace:
    """An output that is replaced, at most `RATE_S` apart; a terminal gets only its last state."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._waiting: dict[str, str] | None = None
        self._shown_at = 0.0

    def put(self, bundle: dict[str, str]) -> None:
        """Show `bundle` now or a little later."""
        self._waiting = bundle
        if updates_in_place() and time.monotonic() - self._shown_at > RATE_S:
            self._show()

    def end(self) -> None:
        """Show what has not been shown yet."""
        if self._waiting is not None:
            self._show()

    def _show(self) -> None:
        if self._handle is None:
            self._handle = display(self._waiting, raw=True, display_id=True)
        else:
            self._handle.update(self._waiting, raw=True)
        self._waiting, self._shown_at = None, time.monotonic()


class LiveCard:
    """One server's launch card in one output cell."""

    def __init__(self, folder: ServerFolder) -> None:
        self.folder = folder
        self._handle = display(
            _bundle(presenting.server_card(serving.view(folder))), raw=True, display_id=True
        )
        self._shown = ""
        self._lock = threading.Lock()
        name = f"aim-{self.folder.name}"
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    def start(self) -> None:
        """Update the card from a thread until the server has ended: its last state stays."""
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether there is no more to tell."""
        return not self._thread.is_alive()

    def bring_up_to_date(self) -> None:
        """Bring the card up to date now; its thread goes on until the server has ended."""
        if updates_in_place():
            self._update()

    def _run(self) -> None:
        wait_s: float | None = TICK_S
        while wait_s is not None:
            time.sleep(wait_s)
            wait_s = self._update()

    def _update(self) -> float | None:
        """Replace the card where it has changed; return when to look again, None at the end."""
        with self._lock:
            try:
                view = serving.view(self.folder)
            except ServerGone:
                # Its folder was replaced by a later launch: the card stays as it was.
                return None
            except AimError:
                # What can't be read now may be again.
                return TICK_S
            state = view.record.state
            # What a running server does is told by other cards: of it only the end is new.
            if not (state == self._shown == "running"):
                self._handle.update(_bundle(presenting.server_card(view)), raw=True)
                self._shown = state
            return _NEXT_S.get(state)


def _bundle(card: Card) -> dict[str, str]:
    return {"text/plain": card.text, "text/html": card.html}
