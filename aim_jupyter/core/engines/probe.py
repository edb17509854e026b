"""Asks one interpreter which engine it has, in a process of its own with a time limit.

Importing an engine takes seconds and prints much, so it is never done in the notebook:
`probe_script.py` is run by the engine's interpreter, with the script of each adapter, and its
answer is kept (see `probe_cache`).
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from aim_jupyter.core import adapters, credentials, events
from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.engines import probe_cache, probe_script
from aim_jupyter.core.engines.probe_cache import Answer
from aim_jupyter.core.records.kinds import resolved

LIMIT_S = 120.0
"""Seconds that an engine has to answer; about 10 are usual."""

NO_ENGINE = "no engine is installed here"
_MOST_BYTES = 16 << 20
_GRACE_S = 0.5
_SCRIPT = Path(probe_script.__file__)


def ask(
    python: Path,
    engine: str | None = None,
    *,
    limit_s: float = LIMIT_S,
    fresh: bool = False,
    notice: str = "",
) -> Answer:
    """Return what the engine of the interpreter `python` says of itself.

    Parameters
    ----------
    python : Path
        An interpreter, or a program that behaves as one.
    engine : str, optional
        Ask for this one; else for the first that is known and works.
    limit_s : float
        Seconds after which it and its children are killed.
    fresh : bool
        Ask even where an answer is kept.
    notice : str
        Reported before it is asked, which takes seconds; not where an answer is kept.

    Returns
    -------
    Answer
        Also where it is missing, fails, hangs or prints nonsense: then `reason` says so.

    Examples
    --------
    >>> ask(Path("/no/such/python")).reason
    'there is no program /no/such/python'
    """
    program = shutil.which(python)
    if program is None:
        return Answer(reason=f"there is no program {python}")
    key = probe_cache.key(Path(program), engine)
    kept = None if fresh else probe_cache.find(key)
    if kept is not None:
        return kept
    if notice:
        events.report(notice)
    told = answer_of([program, str(_SCRIPT)], engine, limit_s=limit_s)
    answer = told.answer or Answer(reason=told.reason)
    probe_cache.keep(key, answer)
    return answer


def missing(engine: str | None) -> str:
    """Return that an interpreter does not have an engine, or any that is known."""
    return f"{adapters.title(engine)} is not installed here" if engine else NO_ENGINE


def is_asked(python: Path) -> bool:
    """Whether `ask` has an answer at hand."""
    program = shutil.which(python)
    return program is None or probe_cache.find(probe_cache.key(Path(program))) is not None


class Told(NamedTuple):
    """An answer; or None, why none came, and the end of what went to standard error."""

    answer: Answer | None
    reason: str = ""
    errors: str = ""


def answer_of(
    argv: Sequence[str],
    engine: str | None = None,
    *,
    limit_s: float = LIMIT_S,
    script: Callable[[Adapter], Path] = attrgetter("script"),
) -> Told:
    """Return what a program answers that runs `probe_script.py`.

    Parameters
    ----------
    argv : sequence of str
        Up to the script.
    engine : str, optional
        As for `ask`.
    script : callable
        Returns where an adapter's own script lies for that program.
    """
    wanted = [adapters.get(engine)] if engine else adapters.known()
    known = json.dumps([{**each.question(), "script": str(script(each))} for each in wanted])
    with tempfile.TemporaryFile() as errors:
        try:
            child = subprocess.Popen(
                [*argv, str(int(limit_s) + 5), missing(engine), known],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=_environment(),
                start_new_session=True,
            )
        except OSError as error:
            return Told(None, f"it can't be started: {error.strerror}")
        line = b""
        try:
            line = _line(child, limit_s)
        except TimeoutError as error:
            return Told(None, str(error))
        finally:
            _end(child, grace_s=0.0 if line else _GRACE_S)
        said = _last_words(errors)
        return Told(_answer(line), _ending(child, said), said)


def _environment() -> dict[str, str]:
    keys = [adapter.key.variable for adapter in adapters.known()]
    env = credentials.without(os.environ, keys)
    for adapter in adapters.known():
        env |= adapter.quiet
    return env


def _line(child: subprocess.Popen[bytes], limit_s: float) -> bytes:
    """Return the marked line without its marker, as soon as it is complete; empty if none comes."""
    assert child.stdout is not None  # noqa: S101  (it was started with a pipe)
    marker = b"\n" + probe_script.MARKER.encode()
    end = time.monotonic() + limit_s
    seen = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while len(seen) < _MOST_BYTES:
            if not selector.select(max(0.0, end - time.monotonic())):
                raise TimeoutError(f"it did not answer within {limit_s:g} s")
            chunk = os.read(child.stdout.fileno(), 1 << 16)
            if not chunk:
                return b""
            seen += chunk
            _, marked, rest = seen.partition(marker)
            if marked and b"\n" in rest:
                return rest.partition(b"\n")[0]
    return b""


def _end(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Give a child that said nothing time to end by itself, then kill what is left of its group."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(grace_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert child.stdout is not None  # noqa: S101
    child.stdout.close()


def _answer(line: bytes) -> Answer | None:
    try:
        return msgspec.json.decode(line, type=resolved(Answer))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _last_words(errors: IO[bytes]) -> str:
    errors.seek(0, os.SEEK_END)
    errors.seek(max(0, errors.tell() - 4096))
    return errors.read().decode("utf-8", "replace").strip()


def _ending(child: subprocess.Popen[bytes], said: str) -> str:
    """Return why no answer came: the signal that ended it, or the last line of its errors."""
    if child.returncode < 0 and child.returncode != -signal.SIGKILL:
        return f"it was ended by {signal.Signals(-child.returncode).name}"
    last = f": {said.splitlines()[-1].strip()[:300]}" if said else ""
    return f"it gave no answer{last}"
