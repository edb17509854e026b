"""The attendant: the engine's first process on this side of a container.

Run by path with ``python -I -S`` and the standard library alone, in the place of the engine: below
the keeper, in the engine's process group. It runs ``docker run`` in the foreground, so that the
container's log is the engine's, and holds its standard input, on which the container's life hangs
(see `aim_first`). It stays until the container is gone, holds the leases for so long, and ends as
the engine has ended. Killed, it takes the container with it.

Arguments: the names of its variables that are the engine's, separated by commas, and the command.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import IO

#: Whatever tells an engine to finish.
HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
#: Seconds in which a container that has ended is removed.
REMOVED_S = 20.0
#: What is added to a signal's number by those who can tell of it by an exit code alone.
SIGNALLED = 128


def main() -> None:
    """Run the container, and end as it has."""
    names, *command = sys.argv[1:]
    asked: list[int] = []
    for number in HANDED_ON:
        signal.signal(number, lambda number, _: asked.append(number))
    told = {name: os.environ[name] for name in names.split(",")}
    with subprocess.Popen(command, stdin=subprocess.PIPE) as client:
        assert client.stdin is not None  # noqa: S101 - it was started with a pipe
        _tell(client.stdin, json.dumps(told))
        code = _attended(client, client.stdin, asked)
        # What a client that refused at once has not read is in the buffer still.
        with contextlib.suppress(BrokenPipeError):
            client.stdin.close()
    _remove(command)
    if code - SIGNALLED in signal.valid_signals():
        _die_by(code - SIGNALLED)
    sys.exit(code if code >= 0 else SIGNALLED - code)


def _attended(client: subprocess.Popen[bytes], stdin: IO[bytes], asked: list[int]) -> int:
    """Hand on what is asked of the engine until the client has ended; return its exit code."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return client.wait(0.2)
        while asked:
            _tell(stdin, str(asked.pop()))


def _tell(stdin: IO[bytes], line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        stdin.write(f"{line}\n".encode())
        stdin.flush()


def _remove(command: list[str]) -> None:
    """See that nothing is left of the container: a client that was killed has not removed it."""
    name = command[command.index("--name") + 1]
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            [command[0], "rm", "--force", name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=REMOVED_S,
            check=False,
        )


def _die_by(number: int) -> None:
    """End by the signal that has ended the engine: so the keeper notes the truth."""
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    main()
