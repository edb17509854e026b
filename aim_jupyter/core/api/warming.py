"""Engines that are imported before anybody launches one."""

from __future__ import annotations

import os

from aim_jupyter.core import engines, serving
from aim_jupyter.core.api.site import machine
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import WarmHost
from aim_jupyter.core.serving.start import modes, warm


def warm_up(*, idle_s: float | None = None) -> list[WarmHost]:
    """Start a host that imports this machine's engine and forks servers of it; return all hosts.

    Parameters
    ----------
    idle_s : float or None
        Seconds after which it ends unless somebody launches; None is its default.

    Raises
    ------
    NoEngine
        If there is no engine here.
    BadUsage
        If this engine can't be forked here, with why.
    """
    usable = any(gpu.usable for gpu in machine().gpus)
    environment = engines.choose(platform="rocm" if usable else "cpu")
    version, platform = environment.version or "", environment.platform or ""
    chosen = modes.choose("warm", environment.engine or "", version, platform)
    if chosen.mode != "warm":
        raise BadUsage(f"No warm host here: {chosen.reason}.", "%aim launch")
    warm.start(
        warm.Seed(
            environment.engine or "",
            environment.python,
            environment.command[1],
            serving.host_environment(environment.engine or "", version, os.environ),
            warm.IDLE_S if idle_s is None else idle_s,
        )
    )
    return warm.hosts()


def warm_hosts() -> list[WarmHost]:
    """Return the hosts of this user that live."""
    return warm.hosts()


def cool_down() -> int:
    """End all hosts and return how many there were; the servers that they forked go on."""
    return warm.end()
