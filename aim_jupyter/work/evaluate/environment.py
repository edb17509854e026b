"""The environment of the harness: made once, beside those of engines, and never the notebook's own.

It has lm-evaluation-harness and what it needs to ask a server; no torch, and no engine.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from aim_jupyter.core import config, events, files
from aim_jupyter.core.engines import interpreters
from aim_jupyter.core.engines.logs import Log
from aim_jupyter.core.errors import InstallFailed, NoEngine

NAME = "eval"
#: The harness that `harness` was written for and tried with; it wants a tokenizer, and its `api`
#: extra does not bring one.
REQUIREMENTS = ("lm-eval[api]==0.4.13", "transformers>=5,<6")
VERSION = "0.4.13"
_PYTHONS = ("3.12", "3.11", "3.13")
_LINE = "%aim engine install eval"


def folder() -> Path:
    """Return where it is, or would be."""
    return config.data_dir() / "tools" / NAME


def python() -> Path:
    """Return its interpreter.

    Raises
    ------
    NoEngine
        If it was not made yet.
    """
    found = folder() / "bin/python"
    if not found.exists():
        raise NoEngine("lm-evaluation-harness is not installed here.", _LINE)
    return found


def install(*, force: bool = False) -> Path:
    """Make it, or return the one that is there; it appears once it has been imported.

    Raises
    ------
    InstallFailed
        If it could not be made; nothing half-made is left.
    """
    shown = folder()
    if (shown / "bin/python").exists() and not force:
        return shown
    root = files.own_folder(shown.parent, 0o755)
    with files.locked(root / ".install.lock"):
        if (shown / "bin/python").exists() and not force:
            return shown
        base = interpreters.suitable(_PYTHONS)
        if base is None:
            raise InstallFailed(f"There is no Python {' or '.join(_PYTHONS)} here.", "install one")
        build = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=root))
        try:
            _make(build, base, Log(root / f"{NAME}.log"))
            if shown.exists():
                shutil.rmtree(shown)
            build.rename(shown)
        finally:
            shutil.rmtree(build, ignore_errors=True)
    return shown


def _make(build: Path, base: Path, log: Log) -> None:
    events.report(f"Installing lm-evaluation-harness {VERSION}.")
    inside = build / "bin/python"
    steps = (
        (base, "venv", [str(build)]),
        (inside, "pip", ["install", "--progress-bar", "off", *REQUIREMENTS]),
        # It is there when it has been imported.
        (inside, "lm_eval", ["--help"]),
    )
    for interpreter, module, words in steps:
        if not log.run(interpreter, module, words):
            found = f"lm-evaluation-harness can't be installed: {log.complaint}"
            raise InstallFailed(found, f"read {log.path}")
    events.report(f"lm-evaluation-harness {VERSION} is ready, {log.elapsed_s:.0f} s.")
