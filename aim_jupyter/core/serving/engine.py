"""The engine as a child of its supervisor."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from aim_jupyter.core import gpus
from aim_jupyter.core.leases import Lease
from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving.ports import LOOPBACK
from aim_jupyter.core.serving.process import identify

GUARD = Path(__file__).with_name("guard")
#: The folder that this package is imported from; the supervisor has it on its path.
PACKAGE = str(Path(__file__).parents[3])

#: What the notebook's process may hold and an engine never needs.
_SECRETS = (
    "JUPYTERHUB_API_TOKEN",
    "JPY_API_TOKEN",
    "JUPYTER_TOKEN",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
)

#: Ours to set: the stages are read from INFO lines, and nothing is reported to anybody.
_OWN = {
    "VLLM_LOGGING_LEVEL": "INFO",
    "VLLM_CONFIGURE_LOGGING": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONUNBUFFERED": "1",
}


class Engine:
    """An engine that this process has started; its verbs are those of `subprocess.Popen`.

    Parameters
    ----------
    plan : Plan
    port : int
    key : str
        Goes into the environment; other users can't read that, but they can read ``ps``.
    lease : Lease or None
        The engine inherits its files, so it lasts as long as any process of the engine.
    log : Path
        Standard output and error are appended to it, by the engine itself: a supervisor that dies
        breaks no pipe.
    """

    def __init__(
        self, plan: Plan, port: int, key: str, log: Path, lease: Lease | None = None
    ) -> None:
        argv = [*plan.argv, "--host", LOOPBACK, "--port", str(port)]
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                argv,
                env=environment(plan, key, os.environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=lease.fds if lease else (),
                cwd=log.parent,
            )
        known = identify(self._child.pid)
        # The child can't have been reaped yet: only `poll` below does that.
        assert known is not None  # noqa: S101
        self.id = known

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        return self._child.poll()


def environment(plan: Plan, key: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the engine's whole environment.

    The plan's variables beat the inherited ones, and those that the supervisor depends on beat
    both. Tokens of the hub and of Hugging Face are left out: the model is already on disk. Of the
    variables that choose GPUs exactly one is set. Where this package lies is taken off the path:
    installed, that is the notebook's own site-packages, and its libraries are not the engine's.
    """
    env = {name: value for name, value in inherited.items() if name not in _SECRETS}
    for name, value in gpus.launch_environment(plan.gpus, inherited).items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    wanted = plan.env.get("PYTHONPATH", inherited.get("PYTHONPATH", "")).split(os.pathsep)
    path = os.pathsep.join([str(GUARD), *(each for each in wanted if each not in ("", PACKAGE))])
    return {**env, **plan.env, **_OWN, "PYTHONPATH": path, "VLLM_API_KEY": key}
