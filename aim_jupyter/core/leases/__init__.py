"""The exclusive hold on a GPU, or one partition of it, that all users of a node respect.

Each device has one lock file in a folder that all users share. A lease is a ``flock`` on it, taken
without waiting and in sorted order, and a second one on the holder's own *claim*, a file beside it
that says who holds and that only its owner can change: whoever removes somebody else's lock file
still meets the claim. The locks are the truth, the text is for humans.

The engine inherits the files (`Lease.fds`), so a lease lasts exactly as long as a process that has
them, whatever is killed in between. Only tools that take these leases respect them, and containers
that do not share the folder do not see each other: re-read occupancy after taking (facts 4.3).

Who waits for a device has a *ticket* there, locked in the same way (`ticket`); whose turn it is
everybody finds by looking (`line`, `queue`), so that there is nobody to run for it.
"""

from aim_jupyter.core.leases.folder import path
from aim_jupyter.core.leases.holder import Holder, free, holders
from aim_jupyter.core.leases.lease import Lease, take
from aim_jupyter.core.leases.line import Turn
from aim_jupyter.core.leases.queue import Watch, now
from aim_jupyter.core.leases.ticket import Ticket, Wish, drawn, supposed
from aim_jupyter.core.leases.usage import Meter

__all__ = [
    "Holder",
    "Lease",
    "Meter",
    "Ticket",
    "Turn",
    "Watch",
    "Wish",
    "drawn",
    "free",
    "holders",
    "now",
    "path",
    "supposed",
    "take",
]
