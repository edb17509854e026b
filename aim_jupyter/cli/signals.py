"""What ends a program in the foreground: systemd, docker, a batch system, a closed terminal.

All of them mean what Ctrl-C does. Between the launch and the moment from which we stay with a
server, a signal is only noted: else the server would be left behind.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class _State:
    noted = False
    armed = False


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Note SIGTERM and SIGHUP until `armed`; what was ignored before (nohup) stays so."""
    _State.noted = _State.armed = False
    before = {each: signal.getsignal(each) for each in _SIGNALS}
    try:
        for each, was in before.items():
            if was is not signal.SIG_IGN:
                signal.signal(each, _note)
        yield
    finally:
        for each, was in before.items():
            signal.signal(each, was)


@contextlib.contextmanager
def armed() -> Iterator[None]:
    """Raise `KeyboardInterrupt` for a signal that comes, or has come.

    A second one changes nothing: what was begun is a stop.
    """
    try:
        _State.armed = True
        if _State.noted:
            raise KeyboardInterrupt
        yield
    finally:
        _State.armed = False


def _note(_: int, __: FrameType | None) -> None:
    if _State.armed and not _State.noted:
        _State.noted = True
        raise KeyboardInterrupt
    _State.noted = True
