"""A process of the engine's interpreter that answers lines of JSON, started when it is asked."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

Answer = dict[str, Any]


class Answering:
    """A process that says a line when it is ready, and one for each that it is asked.

    Parameters
    ----------
    argv : sequence of str
    cold_s : float
        Seconds until it must be ready: imports of an engine take long.
    env : mapping, optional
        Variables besides ours.
    """

    def __init__(
        self, argv: Sequence[str], *, cold_s: float, env: Mapping[str, str] | None = None
    ) -> None:
        self._argv, self._cold_s, self._env = list(argv), cold_s, dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, line: str, patience_s: float) -> Answer | None:
        """Return its answer to a line, None where it could not be asked or said nothing in time."""
        process = self._started()
        if process is None or process.stdin is None:
            return None
        answer = None
        try:
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
            answer = self._line(patience_s)
        except OSError:
            return None
        finally:
            # Also of one who is interrupted: the late answer would be read as that of the next.
            if answer is None:
                self.close()
        return answer

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _started(self) -> subprocess.Popen[bytes] | None:
        if self._process is not None and self._process.poll() is None:
            return self._process
        try:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={
                    **os.environ,
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONSAFEPATH": "1",
                    **self._env,
                },
            )
        except OSError:
            return None
        if self._line(self._cold_s) is None:
            self.close()
        return self._process

    def _line(self, patience_s: float) -> Answer | None:
        """Return the next line of the process, None where none comes in time."""
        if self._process is None or self._process.stdout is None:
            return None
        end, read = time.monotonic() + patience_s, b""
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while not read.endswith(b"\n"):
                if not ready.select(max(0.0, end - time.monotonic())):
                    return None
                more = os.read(self._process.stdout.fileno(), 2**16)
                if not more:
                    return None
                read += more
        try:
            return dict(json.loads(read))
        except ValueError:
            return None
