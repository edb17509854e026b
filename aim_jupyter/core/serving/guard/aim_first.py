"""The first process in a container: starts the engine, and ends it when nobody holds on to it.

Run by the image's own ``python3`` with the standard library alone. Standard input is what ties the
container to this tool: its first line holds the engine's variables, the key among them, so that it
stands on no command line and in nothing that ``docker inspect`` shows. Each later line is the
number of a signal for the engine, which so arrives also while the container is still being made.
Its end means that the client is gone: killed, with its keeper, or with the machine's memory. Then
this process ends, and the kernel ends all others of the container with it.

As the first process it also reaps what others leave behind, and has to handle signals itself: the
kernel gives it none that it does not ask for.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import select
import signal
import sys
import tempfile

KILLED = 128 + signal.SIGKILL
_HANDED_ON = (
    *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2),
)


class First:
    """Start the engine, and stay until it has ended or nobody is there who wants it."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.code: int | None = None
        self._rest = b""
        # Woken by what the handlers write, also between a look and the sleep after it.
        self._woken, writer = os.pipe()
        for end in (self._woken, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer)
        for number in (*_HANDED_ON, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        null = os.open(os.devnull, os.O_RDONLY)
        self._engine = os.posix_spawnp(
            argv[0],
            argv,
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, null, 0)],
            setpgroup=0,
            setsigdef=(*_HANDED_ON, signal.SIGCHLD, signal.SIGPIPE),
        )

    def stay(self) -> int:
        """Return how the engine has ended, as a shell says it."""
        while self.code is None:
            ready, _, _ = select.select([0, self._woken], [], [])
            if 0 in ready:
                self._listen()
            if self._woken in ready:
                for number in os.read(self._woken, 512):
                    self._hand_on(number)
            self._reap()
        return self.code

    def _listen(self) -> None:
        heard = os.read(0, 512)
        if not heard:
            os._exit(KILLED)
        *lines, self._rest = (self._rest + heard).split(b"\n")
        for line in lines:
            self._hand_on(int(line))

    def _hand_on(self, number: int) -> None:
        if number != signal.SIGCHLD and self.code is None:
            os.kill(self._engine, number)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self._engine:
                    code = os.waitstatus_to_exitcode(status)
                    self.code = code if code >= 0 else 128 - code


def environment(given: dict[str, str]) -> dict[str, str]:
    """Return the image's variables with those given, and a home and a name where there is none.

    This user is one of the machine outside, of whom the image has not heard: torch asks for a name
    before anything else works, and compilers write into the home.
    """
    found = {**os.environ, **given}
    if not os.access(found.get("HOME") or "/", os.W_OK) or found.get("HOME", "/") == "/":
        found["HOME"] = tempfile.mkdtemp(prefix="aim-home-")
    try:
        getpass.getuser()
    except (KeyError, OSError):
        found.update(USER="aim-engine", LOGNAME="aim-engine")
    return found


def main() -> None:
    """Start what the arguments say, and end as it has ended."""
    told = bytearray()
    while not told.endswith(b"\n"):
        letter = os.read(0, 1)
        if not letter:
            sys.exit(KILLED)
        told += letter
    sys.exit(First(sys.argv[1:], environment(json.loads(told))).stay())


if __name__ == "__main__":
    main()
