"""Sleeping until something happens: a signal, the end of a child, the end of any other process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence

from aim_jupyter.core.records import ProcessId
from aim_jupyter.core.serving.state.process import alive

_PR_SET_CHILD_SUBREAPER = 36


class Waker:
    """Wake this process; made once, in its main thread."""

    def __init__(self) -> None:
        self._wake, self._waker = socket.socketpair()
        self._waker.settimeout(0)
        self._watched: list[int] = []
        signal.set_wakeup_fd(self._waker.fileno())

    @staticmethod
    def listen(on_term: Callable[[], object]) -> None:
        """Be woken by TERM, which calls `on_term`, and by children, adopted ones too; by no other.

        What the engine's children leave behind becomes this process's to reap, not the container's
        init's.
        """
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.signal(signal.SIGTERM, lambda *_: on_term())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def sleep(self, seconds: float, doors: Sequence[socket.socket] = ()) -> bool:
        """Sleep, but no longer than until a signal comes or one that is watched ends.

        Parameters
        ----------
        doors : sequence of socket
            Sockets that listen; a caller wakes too.

        Returns
        -------
        bool
            Whether somebody calls at one of them.
        """
        wake = self._wake.fileno()
        called = [door.fileno() for door in doors]
        ready, _, _ = select.select([wake, *self._watched, *called], [], [], seconds)
        if wake in ready:
            self._wake.recv(4096)
        return not set(called).isdisjoint(ready)

    @contextlib.contextmanager
    def watching(self, processes: Iterable[ProcessId | None]) -> Iterator[None]:
        """Wake inside the block when one of `processes` ends, whoever's child it is."""
        with contextlib.ExitStack() as opened:
            opened.callback(self._watched.clear)
            for process in processes:
                with contextlib.suppress(OSError):
                    if process is not None and alive(process):
                        self._watched.append(os.pidfd_open(process.pid))
                        opened.callback(os.close, self._watched[-1])
            yield


def reap_others(own: ProcessId | None) -> None:
    """Reap adopted orphans, but leave the exit code of `own` to whoever waits for it."""
    with contextlib.suppress(ChildProcessError):
        while True:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None or (own is not None and found.si_pid == own.pid):
                return
            os.waitpid(found.si_pid, os.WNOHANG)
