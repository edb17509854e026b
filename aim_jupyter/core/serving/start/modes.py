"""The ways in which an engine can be started, and which of them is legal where.

``plain`` is the engine's own command. ``lean`` adds supported settings that save work. ``fork``
imports once: the engine's children are forked instead of importing everything again. ``warm`` forks
the whole engine from a process that has imported it already (see `warm`).

Pure: the facts are in the engine's adapter, and in ``modes.toml``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from aim_jupyter.core import adapters, files, versions
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import Mode

MODES: tuple[Mode, ...] = get_args(Mode)
AUTO = "auto"
_FORKING = ("fork", "warm")
#: What is tried where a warm host can't fork: it needs nothing of the engine's inner parts.
FALLBACK: Mode = "lean"


class Chosen(NamedTuple):
    """How a start will be made, and why not in the way that was asked for or is best."""

    mode: Mode
    reason: str = ""


def choose(asked: str, engine: str, version: str, platform: str) -> Chosen:
    """Return the start mode for an engine: the fastest that was tried there, or the one asked for.

    Parameters
    ----------
    asked : str
        A mode, or ``auto``. What is asked for by name is tried on a platform where it was not
        tried before, never with a version whose inner parts it was not written for.

    Raises
    ------
    BadUsage
        If there is no such mode.

    Examples
    --------
    >>> choose("auto", "vllm", "0.32.0", "cpu")
    Chosen(mode='warm', reason='')
    >>> choose("auto", "vllm", "0.32.0+rocm721", "rocm").mode
    'lean'
    """
    if asked not in (*MODES, AUTO):
        raise BadUsage(f"{asked!r} is no way to start.", f"--start {', '.join((*MODES, AUTO))}")
    facts = adapters.of(engine).modes
    if facts is None:
        why = "" if asked in ("plain", AUTO) else f"no other way to start {engine} is known"
        return Chosen("plain", why)
    if not versions.within(version, facts.versions):
        tried = f"fork and warm are for {engine} {facts.versions}, this is {version}"
        return Chosen("lean", tried) if asked in (*_FORKING, AUTO) else Chosen(_mode(asked))
    if platform in facts.platforms:
        return Chosen(_mode(facts.auto if asked == AUTO else asked))
    if asked in _FORKING:
        return Chosen(_mode(asked), f"unverified on {platform}")
    if asked == AUTO:
        return Chosen("lean", f"fork and warm are unverified on {platform}: --start warm tries it")
    return Chosen(_mode(asked))


def settings(mode: Mode, engine: str) -> dict[str, str]:
    """Return the variables that a mode sets; what a user or a recipe sets beats them."""
    facts = adapters.of(engine).modes
    return {} if mode == "plain" or facts is None else facts.lean


def read_at_import(environment: Mapping[str, str], engine: str) -> dict[str, str]:
    """Return the part of an environment that is read while an engine is imported."""
    facts, own = _facts()["read_at_import"], adapters.of(engine).modes
    names = {*facts["names"], *(own.read_at_import if own else ())}
    return {
        name: value
        for name, value in sorted(environment.items())
        if name in names or name.startswith(tuple(facts["prefixes"]))
    }


def imported_ahead(engine: str) -> dict[str, tuple[str, ...]]:
    """Return the modules that a warm host imports, by platform; ``any`` is for all."""
    facts = adapters.of(engine).modes
    return facts.imported_ahead if facts else {}


def _mode(name: str) -> Mode:
    return next(mode for mode in MODES if mode == name)


@functools.cache
def _facts() -> dict[str, Any]:
    return files.table(Path(__file__).with_name("modes.toml"), dict[str, Any])
