"""The line for the GPUs of this machine, as everybody on it sees it."""

from __future__ import annotations

import time

from aim_jupyter.core import leases, serving
from aim_jupyter.core.api.site import machine
from aim_jupyter.core.records import Waiting


def queue() -> list[Waiting]:
    """Return who waits for GPUs, in the order in which they are served.

    Raises
    ------
    StateUnusable
        If the folder of the leases can't be believed.
    """
    turns, held = leases.now()
    names = {gpu.key: gpu.hip_index for gpu in machine().gpus} if turns else {}
    return [
        Waiting(
            place=turn.place,
            user=turn.ticket.user,
            server=turn.ticket.server,
            model=turn.ticket.model,
            count=turn.ticket.count,
            gpus=tuple(index for key in turn.ticket.keys if (index := names.get(key)) is not None),
            since=turn.ticket.at,
            waited_s=max(0.0, time.time() - turn.ticket.at),
            lasts_s=turn.ticket.lasts_s,
            until=turn.ticket.until,
            expected_at=turn.expected_at,
            why=serving.stands(turn),
            held_by=tuple(
                dict.fromkeys(held[key].title for key in turn.ticket.keys if key in held)
            ),
        )
        for turn in turns
    ]
