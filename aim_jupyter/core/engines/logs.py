"""The log of an install: which commands were run, what they printed, and what it amounts to."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from aim_jupyter.core import events

_BOUND = Path(__file__).with_name("bound.py")

TICK_S = 10.0
"""Seconds between two reports of progress."""

_FETCHED = re.compile(r"(?:Downloading|Using cached) \S+\.(?:whl|gz|zip) \(([\d.]+) (kB|MB|GB)\)")
_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}

# What pip says of itself, or of index pages that are not there, is never why an install failed.
_NOISE = re.compile(
    r"Location .* is ignored|^WARNING: Retrying|^\[notice\]|^\s*$|^hint:", re.IGNORECASE
)


class Log:
    """A file that commands write to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0
        self._begun = time.monotonic()
        path.write_bytes(b"")
        path.chmod(0o600)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the log was begun."""
        return time.monotonic() - self._begun

    def run(self, python: Path, module: str, arguments: Sequence[str]) -> bool:
        """Run ``python -m module``, report its progress, and return whether it succeeded.

        It ends with this process, whatever ends it.
        """
        self._at = self.path.stat().st_size
        with self.path.open("ab") as output:
            output.write(f"$ {python} -m {module} {' '.join(arguments)}\n".encode())
            output.flush()
            child = subprocess.Popen(
                [python, "-I", _BOUND, str(os.getpid()), module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                start_new_session=True,
            )
        try:
            return self._wait(child) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    @property
    def said(self) -> list[str]:
        """The meaningful lines of the last command."""
        text = self.path.read_bytes()[self._at :].decode("utf-8", "replace")
        return [line.strip() for line in text.splitlines()[1:] if not _NOISE.search(line)]

    @property
    def progress(self) -> str:
        """How far the last command is, where that can be told; a sentence without its end."""
        said = "\n".join(self.said)
        fetched = _FETCHED.findall(said)
        size = sum(float(number) * _UNITS[unit] for number, unit in fetched)
        got = f"{size / 1e6:,.0f} MB fetched in {len(fetched)} packages"
        unpacking = re.search(r"^Installing collected packages: (.*)", said, re.MULTILINE)
        return f"{got}, {unpacking[1].count(',') + 1} being unpacked" if unpacking else got

    @property
    def complaint(self) -> str:
        """Why the last command failed, in its own words, on one line."""
        errors = [line for line in self.said if line.startswith("ERROR:")]
        last = (errors or self.said or ["it printed nothing"])[-1]
        return last.removeprefix("ERROR:").strip()[:300]

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        while True:
            try:
                return child.wait(TICK_S)
            except subprocess.TimeoutExpired:
                events.report(f"{self.progress}, {self.elapsed_s:.0f} s.")


def _environment() -> dict[str, str]:
    """Return the user's variables, so that pip finds its indexes, without those that divert it."""
    diverting = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_QUIET"}
    kept = {name: value for name, value in os.environ.items() if name not in diverting}
    return {**kept, "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
