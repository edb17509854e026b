"""Starting a supervisor for a server, by whoever has its lock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from aim_jupyter.core import files
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.serving.start.engine import PACKAGE
from aim_jupyter.core.serving.state.folder import ServerFolder

#: Seconds in which it has taken charge, also where many are started at once.
HANDOVER_S = 60.0


def start(folder: ServerFolder, lock: int) -> None:
    """Start a supervisor for the server of `folder` and wait until it has taken charge.

    Parameters
    ----------
    lock : int
        The open lock of the folder (`charge.take`); it is handed on, and closed here.

    Raises
    ------
    StateUnusable
        If it did not; its own words are in ``supervisor.log``.
    """
    log = folder.path / "supervisor.log"
    try:
        code = _run(folder, lock, log)
    except OSError as error:
        raise files.unusable(log, error) from error
    except subprocess.TimeoutExpired:
        code = None
    finally:
        os.close(lock)
    if code != 0:
        raise StateUnusable(
            f"The supervisor of {folder.name!r} did not start: {_last_words(log)}",
            f"look into {log}",
        )


def _run(folder: ServerFolder, lock: int, log: Path) -> int:
    with log.open("ab") as output:
        return subprocess.run(
            [sys.executable, "-m", "aim_jupyter.core.serving", str(folder.path), str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
            pass_fds=(lock,),
            timeout=HANDOVER_S,
            check=False,
        ).returncode


def environment() -> dict[str, str]:
    """Return ours, with this package importable whatever the working directory is."""
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), PACKAGE)))
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def _last_words(log: Path) -> str:
    lines = files.tail(log, 1)
    return lines[-1] if lines else "it said nothing."
