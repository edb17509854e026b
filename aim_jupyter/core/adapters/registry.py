"""Which engines there are: adapters of the entry-point group ``aim_jupyter.engines``.

The built-in ones register through the same group; a foreign one does so in its own
``pyproject.toml``, the name of the entry being that of the engine::

    [project.entry-points."aim_jupyter.engines"]
    acme = "acme_engine:ADAPTER"

One that can't be loaded or is not what it should be is refused with the reason, and the others go
on working. Nothing is loaded before somebody asks.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from aim_jupyter.core import files
from aim_jupyter.core.adapters.adapter import Adapter
from aim_jupyter.core.adapters.address import Key, Listen
from aim_jupyter.core.errors import UnknownName
from aim_jupyter.core.records.kinds import resolved

GROUP = "aim_jupyter.engines"

# Registered like any other; named here as well for a checkout whose metadata is not installed, and
# because whoever needs one of these pays nothing for looking for others (10 ms and more).
_OWN = {
    "vllm": "aim_jupyter.core.adapters.vllm:ADAPTER",
    "sglang": "aim_jupyter.core.adapters.sglang:ADAPTER",
}

#: Of an engine that nobody knows any more: what its server has left behind can still be read.
_UNKNOWN = Adapter(
    name="unknown",
    title="engine",
    folder="",
    module="",
    listen=Listen(port=("--host", "{host}", "--port", "{port}")),
    key=Key(variable="AIM_KEY"),
)


class Refused(Struct, frozen=True):
    """An entry that is no engine: its name, what it points to, and why, in one line."""

    name: str
    value: str
    reason: str

    @property
    def line(self) -> str:
        """All of it as a sentence."""
        return f"Engine {self.name} ({self.value}) was refused: {self.reason}."


class Registry(Struct, frozen=True):
    """The adapters by name, the built-in ones first, and what was refused."""

    adapters: dict[str, Adapter]
    refused: tuple[Refused, ...] = ()


@functools.cache
def registered() -> Registry:
    """Load and check all adapters, once a process: a package installed later needs a new one."""
    adapters: dict[str, Adapter] = {}
    refused = []
    for name, value in _entries():
        try:
            if name in adapters:
                raise ValueError("the name is taken")  # noqa: TRY301 - told like all the others
            own = _OWN.get(name) == value
            adapters[name] = _own(name) if own else checked(name, _loaded(value))
        except Exception as error:  # noqa: BLE001 - foreign code, whose every failure is told
            refused.append(Refused(name, value, _told(error)))
    return Registry(adapters, tuple(refused))


def get(name: str) -> Adapter:
    """Return the adapter of an engine.

    Raises
    ------
    UnknownName
        If there is none of that name, with the nearest names.
    """
    found = _find(name)
    if found is None:
        known = registered().adapters
        raise UnknownName("engine", name, known, f"one of {', '.join(known)}")
    return found


def of(name: str) -> Adapter:
    """Return the adapter of an engine that was launched once; one without rules if it has gone."""
    return _find(name) or _UNKNOWN


def known() -> tuple[Adapter, ...]:
    """Return all adapters, the built-in ones first."""
    return tuple(registered().adapters.values())


def is_known(name: str | None) -> bool:
    """Whether there is an engine of that name."""
    return name is not None and _find(name) is not None


def title(name: str) -> str:
    """Return an engine's name as its makers write it.

    Examples
    --------
    >>> title("vllm")
    'vLLM'
    """
    found = _find(name)
    return found.title if found else name


def read(folder: Path) -> Adapter:
    """Return the adapter that the TOML files of a folder describe together.

    How the tables are spread over files is up to whoever writes them.

    Raises
    ------
    ValueError
        If something is missing, unknown, of the wrong type, or there twice.
    """
    tables: dict[str, Any] = {"folder": str(folder)}
    for file in sorted(folder.glob("*.toml")):
        for table, value in files.table(file, dict[str, Any]).items():
            if table in tables:
                raise ValueError(f"{table!r} is there twice, again in {file.name}")
            tables[table] = value
    return msgspec.convert(tables, resolved(Adapter))


def _find(name: str) -> Adapter | None:
    return _own(name) if name in _OWN else registered().adapters.get(name)


@functools.cache
def _own(name: str) -> Adapter:
    # What ships with this package is checked by its tests.
    found: Adapter = _loaded(_OWN[name])
    return found


def _entries() -> Iterator[tuple[str, str]]:
    # Not at the top: a supervisor of a built-in engine never looks for others.
    from importlib.metadata import entry_points  # noqa: PLC0415

    yield from _OWN.items()
    for point in sorted(entry_points(group=GROUP)):
        # Ours are there already; a checkout and an installed copy may both name them.
        if _OWN.get(point.name) != point.value:
            yield point.name, point.value


def _loaded(value: str) -> Any:
    module, _, attribute = value.partition(":")
    return getattr(importlib.import_module(module), attribute)


def checked(name: str, found: object) -> Adapter:
    """Return what an entry point named `name` has given, if it is an adapter that can be used.

    Raises
    ------
    ValueError, TypeError
        If it can't, with the reason.
    """
    if not isinstance(found, Adapter):
        raise TypeError(f"{type(found).__name__} is no Adapter")
    # One that was put together in Python has had nobody look at its types.
    adapter = msgspec.convert(msgspec.to_builtins(found), resolved(Adapter))
    if adapter.name != name:
        raise ValueError(f"it calls itself {adapter.name!r}")
    adapter.check()
    if not adapter.script.is_file():
        raise ValueError(f"there is no file {adapter.script}")
    return adapter


def _told(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        what, _, place = str(error).partition(" - at `")
        return f"{place.strip('`').removeprefix('$.')}: {what}" if place else what
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(".: ")
