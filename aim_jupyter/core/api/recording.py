"""What served an answer, for the front ends: found by server or by name, compared, checked."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from aim_jupyter.core import provenance, serving
from aim_jupyter.core.api.finding import launching, server
from aim_jupyter.core.api.lifecycle import launch
from aim_jupyter.core.api.plans import plan
from aim_jupyter.core.errors import BadUsage, ServerGone, UnknownName
from aim_jupyter.core.records.provenance import Difference, Provenance
from aim_jupyter.core.request.record import Request
from aim_jupyter.core.serving import ServerFolder

#: Differences that a refusal names.
_NAMED = 4


def record(name: str | None = None) -> Provenance:
    """Return the record of a server, or of that name, or in that file; without one, of the last.

    Raises
    ------
    UnknownName
        If there is neither.
    BadUsage
        If the server has none, or the file holds none.
    """
    if name is not None and name.endswith(".json"):
        return provenance.read(Path(name).expanduser())
    try:
        kept = serving.current(server(name)).provenance
    except (UnknownName, ServerGone):
        if name is None:
            raise
        return provenance.find(name)
    if not kept:
        raise BadUsage(f"{name or 'This server'} has no record yet.", "%aim provenance --all")
    return provenance.find(kept)


def records() -> list[Provenance]:
    """Return all records that are kept, what was served last first."""
    return provenance.kept()


def differences(then: Provenance, request: Request, *, check: bool = False) -> list[Difference]:
    """Return what a launch of `request` would serve that is not as it was `then`.

    Parameters
    ----------
    check : bool
        Read the files of the model again: a cache may no longer hold what its names say.

    Raises
    ------
    AimError
        If it can't be launched here.
    """
    made = plan(replace(request, new=True))
    found = provenance.differences(then.served, provenance.collect(made))
    if check:
        folder, _ = provenance.model_folder(made)
        found += [
            Difference(what=f"files.{name}", then=then.served.files[name], now="damaged")
            for name in provenance.damaged(folder, then.served.files)
            if f"files.{name}" not in {one.what for one in found}
        ]
    return found


def export_record(of: Provenance, file: Path) -> Path:
    """Write a record where `replay` reads it, and return the file.

    Raises
    ------
    BadUsage
        If it can't be written.
    """
    try:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(of), indent=2) + b"\n")
    except OSError as error:
        raise BadUsage(f"{file} can't be written: {error}.", "name a file of yours") from error
    return file


def replay(
    then: Provenance, request: Request, *, check: bool = False, anyway: bool = False
) -> ServerFolder:
    """Launch the request that led to a record, if the same would be served.

    Parameters
    ----------
    check : bool
        As for `differences`.
    anyway : bool
        Launch although something differs.

    Raises
    ------
    BadUsage
        With what differs, and the line that shows all of it.
    AimError
        If it can't be launched here.
    """
    # What is refused here is a launch that failed: no later cell goes on with another server.
    with launching():
        differing = [] if anyway else differences(then, request, check=check)
        if differing:
            named = ", ".join(one.what for one in differing[:_NAMED])
            more = f" and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
            found = f"What would be served is not {then.id}: {named}{more}."
            raise BadUsage(found, f"%aim replay {then.id} --dry")
        return launch(request)
