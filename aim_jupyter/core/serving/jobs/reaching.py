"""A server made reachable from this machine."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.records import Address, ServerRecord
from aim_jupyter.core.serving.jobs import ways
from aim_jupyter.core.serving.servers.recovery import current
from aim_jupyter.core.serving.state.folder import ServerFolder


def reach(folder: ServerFolder) -> ServerRecord:
    """Return the record of a server as it is true now, with an address of this machine.

    One on another machine gets one where it has begun to listen: the way is opened.

    Raises
    ------
    ServerGone
        If its record can't be read, or its node can't be reached.
    """
    record = current(folder)
    if not (record.away and record.live and record.job is not None) or record.reached is not None:
        return record
    written = folder.read()
    if not written.socket and not written.port:
        return record
    return replace(record, reached=Address(port=ways.open_way(folder, written, record.job)))
