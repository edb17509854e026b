"""The exclusive hold on a GPU, or one partition of it, that all users of a node respect.

Each device has one lock file in a folder that all users share. A lease is a ``flock`` on it, taken
without waiting and in sorted order, and a second one on the holder's own *claim*, a file beside it
that says who holds and that only its owner can change: whoever removes somebody else's lock file
still meets the claim. The locks are the truth, the text is for humans.

The engine inherits the files (`Lease.fds`), so a lease lasts exactly as long as a process that has
them, whatever is killed in between. Only tools that take these leases respect them, and containers
that do not share the folder do not see each other: re-read occupancy after taking (facts 4.3).
"""

from aim_jupyter.core.leases.folder import path
from aim_jupyter.core.leases.holder import Holder, holders
from aim_jupyter.core.leases.lease import Lease, take

__all__ = ["Holder", "Lease", "holders", "path", "take"]
