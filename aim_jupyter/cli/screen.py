"""A view in a terminal that is renewed in place until it is left."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator

from aim_jupyter.core import api
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Top
from aim_jupyter.render import text as t

#: A screen of its own without a cursor, and back. Its first place; a line's end; what is below.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _LINE, _REST = "\x1b[H", "\x1b[K\r\n", "\x1b[J"


def live(show: Callable[[Top], str], first: Top) -> None:
    """Show what all servers do every two seconds until Ctrl-C or q; the last picture stays.

    Parameters
    ----------
    show
        Makes the lines of a picture, with the codes of `aim_jupyter.render.text`.
    first : Top
        What is shown at once.
    """
    last = first
    try:
        with _screen(), _keys() as pressed:
            while True:
                _put(show(last))
                if pressed(api.TOP_EVERY_S):
                    break
                # What can't be read now may be readable again: the old picture stays, dated.
                with contextlib.suppress(AimError):
                    last = api.top()
    except KeyboardInterrupt:
        pass
    sys.stdout.write(show(last) + "\n")


def _put(text: str) -> None:
    columns, rows = shutil.get_terminal_size()
    first, *rest = text.splitlines()
    lines = [f"{first} · {t.faint('q to leave')}", *rest][: rows - 1]
    shown = _LINE.join(_cut(line, columns) for line in lines)
    sys.stdout.write(f"{_HOME}{shown}\x1b[K{_REST}")
    sys.stdout.flush()


def _cut(line: str, width: int) -> str:
    """Return a line that fits: a longer one would take two, and shift the picture."""
    return line if len(t.plain(line)) <= width else t.plain(line)[: max(0, width - 1)] + "…"


@contextlib.contextmanager
def _screen() -> Iterator[None]:
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Give a function that waits so many seconds for q; without a keyboard it only waits."""
    if not sys.stdin.isatty():
        yield _only_wait
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    try:
        yield _q_within
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _only_wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _q_within(seconds: float) -> bool:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([sys.stdin], [], [], left)
        # Past Python's buffer, which would hold back from `select` what came with another key.
        if ready and (not (typed := os.read(sys.stdin.fileno(), 64)) or b"q" in typed.lower()):
            return True
    return False
