"""Telling a program of a server, and taking that back: nothing of it stays, all else does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.core import api, config, files
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.work.connect.tools import TOOLS, Facts, Place, Tool, told

#: Bytes of a program's settings: what is larger is something else.
_MOST = 4 << 20


class _Value(msgspec.Struct, frozen=True):
    """One value that was put into a document, and what stood there before."""

    place: list[str | tuple[str, str]]
    now: Any
    before: Any = None
    was_there: bool = False


class _Kept(msgspec.Struct, frozen=True):
    """What was written for one program."""

    server: str
    file: str
    values: list[_Value] = []


def programs() -> list[str]:
    """Return the names of the programs that there is an entry for."""
    return [tool.name for tool in TOOLS]


def shown(name: str, folder: ServerFolder) -> list[str]:
    """Return the entry of a program as lines, and where it would be written; nothing is."""
    tool, facts = _tool(name), _facts(folder)
    lines = [*told(tool, facts).splitlines(), ""]
    if tool.file is None:
        return [*lines, f"{tool.title}: {tool.then}."]
    place = tool.file(facts)
    how = "the key by reference" if tool.reference else "with the key, readable by you alone"
    return [*lines, f"{tool.title}: {place}, {how}.", f"%aim connect {name} {folder.name} --yes"]


def connect(name: str, folder: ServerFolder) -> list[str]:
    """Write the entry of a program; return what was done and what is next.

    Raises
    ------
    BadUsage
        If it has no file, or one that is no document of JSON.
    """
    tool, facts = _tool(name), _facts(folder)
    if tool.file is None:
        raise BadUsage(f"{tool.title} has no file.", f"%aim connect {name} {folder.name}")
    disconnect(name)
    place = tool.file(facts)
    place.parent.mkdir(parents=True, exist_ok=True)
    if tool.values is None:
        assert tool.text is not None  # noqa: S101 - one of both is there
        files.write_atomic(place, tool.text(facts).encode())
        _keep(name, _Kept(folder.name, str(place)))
    else:
        document = _read(place)
        values = [_put(document, at, value) for at, value in tool.values(facts).items()]
        _write(place, document)
        _keep(name, _Kept(folder.name, str(place), values))
    then = tool.then.format(file=place, server=folder.name)
    return [f"{tool.title} is told of {folder.name}: {place}", f"Next: {then}"]


def disconnect(name: str) -> list[str]:
    """Take an entry back; what somebody has changed since stays."""
    tool, kept = _tool(name), _all_kept()
    record = kept.get(name)
    if record is None:
        return [f"{tool.title} was told of no server."]
    place = Path(record.file)
    if not record.values:
        place.unlink(missing_ok=True)
    elif place.exists():
        document = _read(place)
        for value in record.values:
            _take_back(document, value)
        _write(place, document)
    _keep(name, None)
    return [f"{tool.title} is told of {record.server} no more: {place}"]


def _tool(name: str) -> Tool:
    found = next((tool for tool in TOOLS if tool.name == name), None)
    if found is None:
        raise UnknownName("program to connect", name, programs(), "%aim connect")
    return found


def _facts(folder: ServerFolder) -> Facts:
    record = api.reachable(folder)
    key = folder.path / "key"
    return Facts(folder.name, record.base_url, record.plan.model, key, folder.key())


def _read(place: Path) -> dict[str, Any]:
    try:
        raw = files.read_bounded(place, _MOST)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadUsage(f"{place} can't be read: {error}.", f"ls -l {place}") from error
    try:
        document = json.loads(raw or b"{}")
    except ValueError as error:
        raise BadUsage(f"{place} is no JSON: {error}.", "mend it first") from error
    if not isinstance(document, dict):
        raise BadUsage(f"{place} holds no object.", "mend it first")
    return document


def _write(place: Path, document: dict[str, Any]) -> None:
    files.write_atomic(place, json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n")


def _inside(document: dict[str, Any], place: Place) -> Any:
    """Return what holds the last step of a place: an object, or for a pair a list."""
    for at, step in enumerate(place[:-1]):
        empty: Any = {} if isinstance(place[at + 1], str) else []
        document = document.setdefault(str(step), empty)
    return document


def _put(document: dict[str, Any], place: Place, value: Any) -> _Value:
    last, inside = place[-1], _inside(document, place)
    key: Any = last if isinstance(last, str) else _at(inside, last)
    was_there = key is not None and (isinstance(inside, list) or key in inside)
    before = inside[key] if was_there else None
    if key is None:
        inside.append(value)
    else:
        inside[key] = value
    return _Value(list(place), value, before, was_there)


def _take_back(document: dict[str, Any], value: _Value) -> None:
    place: Place = tuple(step if isinstance(step, str) else tuple(step) for step in value.place)  # type: ignore[misc]
    last, inside = place[-1], _inside(document, place)
    key: Any = last if isinstance(last, str) else _at(inside, last)
    there = key is not None and (isinstance(inside, list) or key in inside)
    if there and inside[key] == value.now:
        if value.was_there:
            inside[key] = value.before
        else:
            del inside[key]
    if len(place) > 1 and not inside:
        document.pop(str(place[0]), None)


def _at(inside: list[Any], pair: tuple[str, str]) -> int | None:
    name, said = pair
    named = [each.get(name) if isinstance(each, dict) else None for each in inside]
    return named.index(said) if said in named else None


def _place() -> Path:
    return config.state_dir() / "connections.json"


def _all_kept() -> dict[str, _Kept]:
    try:
        return msgspec.json.decode(_place().read_bytes(), type=dict[str, _Kept])
    except (OSError, msgspec.DecodeError):
        return {}


def _keep(name: str, record: _Kept | None) -> None:
    kept = {each: said for each, said in _all_kept().items() if each != name}
    files.private_folder(config.state_dir())
    files.write_atomic(_place(), msgspec.json.encode(kept | ({name: record} if record else {})))


def connected() -> dict[str, str]:
    """Return the server that each program was told of."""
    return {name: record.server for name, record in _all_kept().items()}
