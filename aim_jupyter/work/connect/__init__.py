"""Other programs on a server: what each has to be told, where, and how that is taken back."""

from aim_jupyter.work.connect.connections import connect, connected, disconnect, programs, shown
from aim_jupyter.work.connect.environment import environment, exports

__all__ = ["connect", "connected", "disconnect", "environment", "exports", "programs", "shown"]
