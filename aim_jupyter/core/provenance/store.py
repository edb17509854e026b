"""Records on disk: a file each in ``records`` of the state directory, the newest of them."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import AimError, BadUsage, UnknownName
from aim_jupyter.core.provenance.collecting import collect
from aim_jupyter.core.records import Plan
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.records.provenance import DIGITS, Provenance

#: Records that are kept; of more, those go that were not served for the longest time.
MOST = 1000
_ID = re.compile(rf"[0-9a-f]{{4,{DIGITS}}}")
_DECODER = msgspec.json.Decoder(resolved(Provenance))


def take(plan: Plan, note: Callable[[str], object]) -> str:
    """Keep the record of what a server of `plan` is made of now, and return its name.

    Where that can't be, the name is empty, and `note` is told why: a start goes on without.
    """
    try:
        served = collect(plan)
        asked = plan.asked or (plan.model,)
        keep(Provenance(id=served.id, served=served, asked=asked, first_at=time.time()))
    except (OSError, AimError) as error:
        note(f"no record is kept: {error}")
        return ""
    return served.id


def keep(record: Provenance) -> None:
    """Write a record, or say of one that is there that it was served again.

    Raises
    ------
    StateUnusable
        If it can't be written.
    """
    folder = files.private_folder(_folder())
    file = folder / f"{record.id}.json"
    if file.exists():
        with contextlib.suppress(OSError):
            file.touch()
            return
    files.write_atomic(file, msgspec.json.format(msgspec.json.encode(record), indent=1))
    for old in _files()[MOST:]:
        with contextlib.suppress(OSError):
            old.unlink()


def kept() -> list[Provenance]:
    """Return the records of this user, what was served last first."""
    found = []
    for file in _files():
        with contextlib.suppress(*files.UNREADABLE, ValueError):
            found.append(_DECODER.decode(files.read_bounded(file)))
    return found


def find(name: str) -> Provenance:
    """Return the record of this name, or of the only one that begins so.

    Raises
    ------
    UnknownName
        If there is none.
    BadUsage
        If there are several, or it is none that can be read.
    """
    matching = (
        [file for file in _files() if file.stem.startswith(name)] if _ID.fullmatch(name) else []
    )
    if not matching:
        raise UnknownName("record", name, [file.stem for file in _files()], "%aim provenance")
    if len(matching) > 1:
        raise BadUsage(f"{len(matching)} records begin with {name}.", "%aim provenance")
    return read(matching[0])


def read(file: Path) -> Provenance:
    """Return the record that a file holds, such as one that was exported.

    Raises
    ------
    BadUsage
        If it can't be read, or its name is not that of what it holds.
    """
    try:
        record = _DECODER.decode(files.read_bounded(file))
    except (*files.UNREADABLE, ValueError) as error:
        raise BadUsage(f"{file} holds no record: {error}.", "%aim provenance") from error
    if record.id != record.served.id:
        raise BadUsage(f"{file} was changed: its content is not {record.id}.", "%aim provenance")
    return record


def _files() -> list[Path]:
    try:
        found = [(file.stat().st_mtime_ns, file) for file in _folder().glob("*.json")]
    except OSError:
        return []
    return [file for _, file in sorted(found, reverse=True)]


def _folder() -> Path:
    return config.state_dir() / "records"
