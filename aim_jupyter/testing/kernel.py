"""A notebook's kernel, as far as servers see one: a process that launches, looks and stops.

Run as ``python -m aim_jupyter.testing.kernel``: a JSON object a line says what to do, and a line
says what came of it. It may be killed at any moment; that is what it is for.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
import traceback

import msgspec
from msgspec import Struct

from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Plan


class Order(Struct, frozen=True, kw_only=True):
    """What to do: ``launch`` with a plan, ``stop``, ``attach`` or ``ps``."""

    do: str
    server: str = ""
    plan: Plan | None = None


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of it: nothing bad, an expected failure, or a defect with its traceback."""

    took_s: float
    refused: str = ""
    defect: str = ""


_OUTCOME = msgspec.json.Decoder(Outcome)


class Violation(AssertionError):
    """A promise was broken."""


class Kernel:
    """One kernel: a child that is given orders, and started again when it was killed."""

    def __init__(self) -> None:
        self._child = self._start()
        self._waits = False

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "aim_jupyter.testing.kernel"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The number to kill it by."""
        return self._child.pid

    def order(self, order: Order) -> None:
        """Tell it what to do, without waiting."""
        if self._child.poll() is not None:
            self.end()
            self._child = self._start()
        assert self._child.stdin is not None  # noqa: S101 - a pipe
        self._child.stdin.write(msgspec.json.encode(order) + b"\n")
        self._child.stdin.flush()
        self._waits = True

    def outcome(self) -> Outcome | None:
        """Wait for what came of it; None of a kernel that was killed.

        Raises
        ------
        Violation
            If it ended by itself.
        """
        if not self._waits:
            return None
        self._waits = False
        assert self._child.stdout is not None  # noqa: S101 - a pipe
        line = self._child.stdout.readline()
        if line.endswith(b"\n"):
            return _OUTCOME.decode(line)
        code = self._child.wait()
        if code != -signal.SIGKILL:
            raise Violation(f"a kernel ended by itself, with {code}")
        return None

    def end(self) -> None:
        """End it."""
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def obey(order: Order) -> Outcome:
    """Do it, and return what came of it."""
    began = time.monotonic()
    refused = defect = ""
    try:
        _do(order)
    except AimError as error:
        refused = " ".join(error.lines)
    except Exception:  # noqa: BLE001 - what is not expected is what is looked for
        defect = traceback.format_exc()
    return Outcome(took_s=time.monotonic() - began, refused=refused, defect=defect)


def _do(order: Order) -> None:
    if order.do == "launch" and order.plan is not None:
        serving.launch(order.plan)
    elif order.do == "stop":
        serving.stop(serving.find(order.server), drain_s=0.0)
    elif order.do == "attach":
        api.attach(order.server)
    else:
        api.servers()


def main() -> None:
    """Obey until the input ends."""
    decoder = msgspec.json.Decoder(Order)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(msgspec.json.encode(obey(decoder.decode(line))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
