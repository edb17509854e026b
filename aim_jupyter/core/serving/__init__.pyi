from .jobs.reaching import reach
from .servers.jupyter import jupyter_server
from .servers.launching import launch, live
from .servers.logs import follow, follow_events, tail
from .servers.recovery import current
from .servers.stopping import check_own, forget, stop
from .servers.viewing import view
from .sharing.shared import find, shared, silent
from .start.booting import expected
from .start.engine import host_environment
from .start.turn import stands
from .state.folder import ServerFolder, folders, name_for
from .watch.endpoint import exposition

__all__ = [
    "ServerFolder",
    "check_own",
    "current",
    "expected",
    "exposition",
    "find",
    "folders",
    "follow",
    "follow_events",
    "forget",
    "host_environment",
    "jupyter_server",
    "launch",
    "live",
    "name_for",
    "reach",
    "shared",
    "silent",
    "stands",
    "stop",
    "tail",
    "view",
]
