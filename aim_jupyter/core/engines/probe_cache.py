"""What engines said when they were asked, kept on disk so that each is asked once.

An answer is kept under everything that could change it: the interpreter, the engine installed
beside it, the scripts that ask, whether an AMD GPU driver is here (a home folder may be shared by
machines with and without one). A failure is kept for a few minutes only, since the user is about
to repair it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from aim_jupyter.core import adapters, config, files
from aim_jupyter.core.engines import interpreters
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import EngineEnvironment, Flag, Image
from aim_jupyter.core.records.engine import EngineSource
from aim_jupyter.core.records.kinds import resolved

FAILURE_LIFE_S = 300.0
"""Seconds for which a failure is believed."""

_SCRIPT = Path(__file__).with_name("probe_script.py")


class Answer(Struct, frozen=True, kw_only=True):
    """What one engine said of itself; the fields of `records.EngineEnvironment` that it knows.

    Attributes
    ----------
    torch : str or None
        What its torch was built for, such as ``hip 7.2``, ``cuda 13.0`` or ``cpu``.
    reason : str
        Why it can't serve; empty where it can.
    """

    engine: str | None = None
    version: str | None = None
    platform: str | None = None
    torch: str | None = None
    command: tuple[str, ...] = ()
    model_option: str | None = None
    flags: tuple[Flag, ...] = ()
    variables: tuple[str, ...] = ()
    reason: str = ""

    def environment(
        self, name: str, python: str, source: EngineSource, image: Image | None = None
    ) -> EngineEnvironment:
        """Return the engine environment that gave this answer."""
        return EngineEnvironment(
            name=name,
            python=python,
            source=source,
            image=image,
            engine=self.engine,
            engine_title=adapters.title(self.engine) if self.engine else "",
            version=self.version,
            platform=self.platform,
            command=self.command,
            model_option=self.model_option,
            flags=self.flags,
            variables=self.variables,
            usable=not self.reason,
            reason=self.reason,
        )


class _Kept(Struct, frozen=True):
    at: float
    answer: Answer


def key(python: Path, engine: str | None = None) -> str:
    """Return what the answer of `python` is kept under, also where it was asked for one engine."""
    prefix = interpreters.prefix(python)
    dist = interpreters.engine_dist(prefix)
    facts = [
        str(python.absolute()),
        str(prefix),
        dist.name if dist else "",
        engine or "",
        *(_stamp(path) for path in (python, _SCRIPT, dist, dist and dist.parent)),
        *(f"{adapter.script} {_stamp(adapter.script)}" for adapter in adapters.known()),
        _python_path(),
        str((config.sys_root() / "dev/kfd").exists()),
    ]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:32]


def find(under: str) -> Answer | None:
    """Return the answer kept under a key; None where there is none, or it is too old to believe."""
    kept = next(filter(None, map(_read, _paths(under))), None)
    if kept is None:
        return None
    if kept.answer.reason and not 0 <= time.time() - kept.at < FAILURE_LIFE_S:
        return None
    return kept.answer


def keep(under: str, answer: Answer) -> None:
    """Keep an answer. Where nothing can be written, the engine is asked again next time."""
    for path in _paths(under):
        with contextlib.suppress(StateUnusable):
            files.private_folder(path.parent)
            files.write_atomic(path, msgspec.json.encode(_Kept(time.time(), answer)))
            return


def _read(path: Path) -> _Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=resolved(_Kept))
    except files.UNREADABLE:
        return None


def _paths(under: str) -> tuple[Path, ...]:
    """Return where an answer may be kept: beside the engines, or where these are another user's."""
    return tuple(
        each / "asked" / f"{under}.json" for each in (config.data_dir(), config.state_dir())
    )


def _python_path() -> str:
    """Return ``PYTHONPATH`` as an engine gets it: a supervisor's also names our own folder."""
    ours = str(Path(__file__).parents[3])
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(path for path in given if path not in ("", ours))


def _stamp(path: Path | None) -> str:
    try:
        return str(path.stat().st_mtime_ns) if path else ""
    except OSError:
        return ""
