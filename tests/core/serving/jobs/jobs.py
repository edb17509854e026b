"""What tests of servers in jobs say again and again."""

from __future__ import annotations

from aim_jupyter.core import api, serving
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from tests.waiting import until

THERE = Request(model="demo", on="standin")


def launched(request: Request = THERE) -> ServerFolder:
    """Hand in a job at the stand-in place."""
    return serving.launch(plan(request), rename=True)


def plan(request: Request = THERE) -> Plan:
    """Return the plan of a request, at the stand-in place."""
    return api.plan(request)


def state(folder: ServerFolder) -> str:
    """Return the state of a server as anybody sees it."""
    return serving.current(folder).state


def running(request: Request = THERE) -> ServerFolder:
    """Hand in a job, and wait until its server is ready."""
    folder = launched(request)
    until(lambda: state(folder) == "running")
    return folder
