"""Asking a tool: in a process of its own, with a time limit, and never waiting on a dead one.

`amd-smi` can hang for good, also in a state that no signal ends (facts 1.1, 5).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core.gpus.masks import VARIABLES

_MOST_BYTES = 16 << 20


class Answer(Struct, frozen=True):
    """What a tool printed, or why it did not. `took_s` in seconds."""

    text: str
    trouble: str | None
    took_s: float


def find(tool: str, environ: Mapping[str, str]) -> str | None:
    """Return the path of a tool: ``PATH``, ``ROCM_PATH``, ``/opt/rocm*``, this environment's SDK.

    ``PATH`` often lacks ``/opt/rocm/bin`` (facts 1.1).
    """
    folders = [Path(environ["ROCM_PATH"]) / "bin"] if environ.get("ROCM_PATH") else []
    folders += [Path("/opt/rocm/bin"), *sorted(Path("/opt").glob("rocm-*/bin"), reverse=True)]
    folders += sorted(Path(sys.prefix).glob("lib/python3*/site-packages/_rocm_sdk_core/bin"))
    path = os.pathsep.join([environ.get("PATH", ""), *map(os.fspath, folders)])
    return shutil.which(tool, path=path)


def ask(argv: Sequence[str], limit_s: float, environ: Mapping[str, str]) -> Answer:
    """Run a tool for at most `limit_s` seconds and return what it printed."""
    name = Path(argv[0]).name
    # A mask would hide GPUs from rocminfo, and the others count without one.
    env = {key: value for key, value in environ.items() if key not in VARIABLES}
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )
        except OSError as error:
            return Answer("", f"{name} can't be started: {error.strerror}.", 0.0)
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            _end(process)
            trouble = f"{name} did not answer in {limit_s:g} s: the driver may hang, see dmesg."
            return Answer("", trouble, time.monotonic() - began)
        output.seek(0)
        text = output.read(_MOST_BYTES).decode("utf-8", "replace")
    said = next((line.strip() for line in text.splitlines() if line.strip()), "nothing")
    failed = f"{name} ended with code {code}: {said[:200]}" if code else None
    return Answer(text, failed, time.monotonic() - began)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the tool and all that it started, and leave it to a thread to see it gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # In state D it ends when the driver lets it, which nobody here waits for.
    threading.Thread(target=process.wait, name=f"reap {process.pid}", daemon=True).start()
