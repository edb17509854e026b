"""Servers: launched, watched by a supervisor each, found again from any process, and stopped."""

from aim_jupyter.core.serving.booting import expected
from aim_jupyter.core.serving.endpoint import exposition
from aim_jupyter.core.serving.engine import host_environment
from aim_jupyter.core.serving.folder import ServerFolder, folders, name_for
from aim_jupyter.core.serving.guests import find, shared
from aim_jupyter.core.serving.jupyter import server as jupyter_server
from aim_jupyter.core.serving.launching import launch, running_for
from aim_jupyter.core.serving.logs import follow, follow_events, tail
from aim_jupyter.core.serving.recovery import current
from aim_jupyter.core.serving.stopping import check_own, forget, stop
from aim_jupyter.core.serving.viewing import view

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
    "name_for",
    "running_for",
    "shared",
    "stop",
    "tail",
    "view",
]
