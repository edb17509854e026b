"""The keeper: parent of an engine, and what makes sure that no engine outlives its supervisor.

Run by path with ``python -I -S`` and the standard library alone (about 10 MiB resident): it leads
the engine's session, so its number is the one by which the engine's processes are found. It is told
on standard input what to start, and then does four things.

- **A lost supervisor is replaced.** A supervisor holds the lock of the server's folder while it
  lives. The keeper looks at that lock twice a second; when nobody holds it, it takes it and starts
  a new supervisor with it. Where none can be had for `GIVE_UP_S`, it ends the engine.
- **What the engine leaves behind is ended.** When the engine's first process has ended, the others
  of the session get a moment and are then killed: vLLM's workers outlive a killed API server.
- **The exit code is kept.** It is written where a supervisor finds it that was not there before.
- **A killed keeper takes the engine with it, and the kernel sees to that.** The engine inherits the
  reading end of a pipe whose only writing end is the keeper's. With ``O_ASYNC``, ``F_SETOWN`` and
  ``F_SETSIG`` on it, its closing sends SIGKILL to the engine's process group (``fcntl(2)``).

Why so: two watchers that restart each other leave an engine alone when both are killed; a thread
inside the engine hangs with it and is not in its workers; ``PR_SET_PDEATHSIG`` reaches one
generation only. Here one kill costs at most the server, and only the keeper *and* the engine's
first process *and* the supervisor killed in the same instant leave anything: the next one that
looks ends that (`recovery`).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aim_jupyter.core.serving.start.told import Told

TICK_S = 0.5
#: A start of a supervisor that has not taken charge after so long has failed.
GIVE_UP_S = 8.0
#: Seconds that other processes of the engine get to end by themselves after the first one has.
LEFTOVERS_S = 2.0
WIDTH = 256
CANT_START = 127

_PR_SET_CHILD_SUBREAPER = 36
_WAKING = (signal.SIGCHLD, signal.SIGTERM)
RESTORED = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)


class Keeper:
    """Start the engine that `told` describes, and stay until all of it has ended.

    Parameters
    ----------
    told : Told
    spawn : callable
        Starts the engine's first process in a process group of its own and returns its pid.
    """

    def __init__(self, told: Told, spawn: Callable[[list[str]], int]) -> None:
        self.told = told
        self.spawn = spawn
        folder = told["folder"]
        self.lock_path = f"{folder}/supervisor.lock"
        self.lock = self._open_lock()
        self.locked_file = os.fstat(self.lock).st_ino
        self.notes = os.open(f"{folder}/engine.json", os.O_WRONLY | os.O_CLOEXEC)
        self.engine = 0
        self.code: int | None = None
        self.told_to_end = False
        self.replacement = 0
        self.failed = 0
        self.lost_at: float | None = None
        self.tried_at = 0.0

    def note(self) -> None:
        """Write down who keeps, what was started and how it ended, in place: no space is needed."""
        facts = {"pid": os.getpid(), "start": _start_time(), "engine": self.engine}
        text = json.dumps({**facts, "code": self.code}).ljust(WIDTH - 1) + "\n"
        with contextlib.suppress(OSError):
            os.pwrite(self.notes, text.encode(), 0)

    def begin(self) -> None:
        """Start the engine, unless the supervisor has gone meanwhile: its successor starts one.

        Raises
        ------
        OSError
            If the engine can't be executed.
        """
        self.note()
        if os.getppid() != self.told["parent"]:
            sys.exit(CANT_START)
        lifeline, _kept_open = os.pipe()
        os.set_inheritable(lifeline, True)  # noqa: FBT003 - positional by definition
        # A process group of its own within this session: the kernel's signal spares the keeper.
        self.engine = self.spawn(self.told["engine"])
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -self.engine)
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
        os.close(lifeline)
        for handle in self.told["leases"]:
            os.set_inheritable(handle, False)  # noqa: FBT003 - positional by definition
        self.note()

    def stay(self) -> int:
        """Watch over engine and supervisor until the engine has ended; return its exit code."""
        while self.code is None:
            woken = signal.sigtimedwait(_WAKING, TICK_S)
            if woken is not None and woken.si_signo == signal.SIGTERM and not self.told_to_end:
                # Once: a second one tells some engines to drop what they are finishing.
                self.told_to_end = True
                self._send(self.told["stop"])
            self._reap()
            if self.code is None and not self._supervised():
                self._replace()
        self.note()
        self._end_others(LEFTOVERS_S)
        return self.code

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self.engine:
                    self.code = os.waitstatus_to_exitcode(status)
                elif pid == self.replacement:
                    self.replacement = 0
                    took_charge = os.waitstatus_to_exitcode(status) == 0
                    self.failed = 0 if took_charge else self.failed + 1
                    self.lost_at = None if took_charge else self.lost_at

    def _supervised(self) -> bool:
        """Whether somebody holds the lock; where nobody does, this process holds it then."""
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    def _replace(self) -> None:
        """Start a supervisor that gets the lock from here, or end the engine if that is in vain."""
        now = time.monotonic()
        self.lost_at = now if self.lost_at is None else self.lost_at
        if not self.told["replaced"] or now - self.lost_at > GIVE_UP_S:
            self._give_up()
        elif not self.replacement and now - self.tried_at > 2 * TICK_S * min(self.failed, 1):
            self.tried_at = now
            with contextlib.suppress(OSError):
                self.replacement = self._start_supervisor()
        # Held by whoever was started, else by nobody. A new descriptor: the lock is of the old one.
        os.close(self.lock)
        self.lock = self._open_lock()
        if os.fstat(self.lock).st_ino != self.locked_file:
            # The server's folder is gone: nobody can supervise this engine any more.
            self._give_up()

    def _open_lock(self) -> int:
        # NFS locks exclusively only what may be written; a read-only disk opens only the other way.
        for flags in (os.O_RDWR, os.O_RDONLY):
            with contextlib.suppress(OSError):
                return os.open(self.lock_path, flags | os.O_CLOEXEC)
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _start_supervisor(self) -> int:
        os.set_inheritable(self.lock, True)  # noqa: FBT003 - positional by definition
        log = f"{self.told['folder']}/supervisor.log"
        argv = [*self.told["supervisor"], str(self.lock)]
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.posix_spawn(
            argv[0],
            argv,
            self.told["environment"],
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, log, append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsigmask=(),
            setsigdef=RESTORED,
        )

    def _give_up(self) -> None:
        # Into the engine's log.
        os.write(2, b"aim: no supervisor can be started, so the engine is ended\n")
        self._send(self.told["stop"])
        self._end_others(TICK_S)

    def _send(self, number: int) -> None:
        if self.engine and self.code is None:
            os.kill(self.engine, number)

    def _end_others(self, moment_s: float) -> None:
        """Give the other processes of this session a moment, then kill them."""
        end = time.monotonic() + moment_s
        while _others() and time.monotonic() < end:
            signal.sigtimedwait(_WAKING, 0.05)
            self._reap()
        while others := _others():
            for pid in others:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            signal.sigtimedwait(_WAKING, 0.05)
            self._reap()
            if time.monotonic() > end + GIVE_UP_S:
                # Not even SIGKILL ends them: who looks next says which they are.
                return


def _others() -> list[int]:
    """Return the living processes of this session but this one (``proc(5)``: state, session)."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            fields = _fields(name)
            if fields and fields[3] == str(os.getpid()) and fields[0] not in "ZX":
                found.append(int(name))
    return found


def _start_time() -> int:
    return int(_fields("self")[19])


def _fields(name: str) -> list[str]:
    try:
        with open(f"/proc/{name}/stat", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    return text[text.rfind(")") + 2 :].split()


def execute(argv: list[str]) -> int:
    """Execute the engine in a process group of its own, with signals as in a new program."""
    return os.posix_spawnp(
        argv[0], argv, os.environ, setpgroup=0, setsigmask=(), setsigdef=RESTORED
    )


def keep(told: Told, spawn: Callable[[list[str]], int] = execute) -> int:
    """Start an engine as `told`, see that nothing of it is left alone, and return how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAKING)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.set_inheritable(told["report"], False)  # noqa: FBT003 - positional by definition
    keeper = Keeper(told, spawn)
    try:
        keeper.begin()
    except OSError as error:
        os.write(told["report"], (error.strerror or str(error)).encode())
        return CANT_START
    os.close(told["report"])
    return keeper.stay()


def main() -> None:
    """Do as standard input says, and end as the engine has ended."""
    told: Told = json.load(sys.stdin)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    code = keep(told)
    # As a shell says it; the truth is in the notes.
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
