"""JupyterHub on one bare-metal node with eight AMD GPUs: what `docs/jupyterhub.md` explains.

Each user starts a server through a form: on the GPUs that all share, where aim_jupyter's leases
decide who gets which, or with GPUs of one's own for as long as the server runs. This very file is
what `tests/jupyterhub` runs.
"""

# ruff: noqa: F821 - JupyterHub brings `c`

import os
from typing import ClassVar

from jupyterhub.spawner import LocalProcessSpawner
from tornado.web import HTTPError
from traitlets import List, Unicode


class GpuSpawner(LocalProcessSpawner):
    """Hands out GPUs. It draws a boundary that tools respect; no wall: see docs/jupyterhub.md."""

    shared = List(help="By number: whoever launches first leases one.", config=True)
    own = List(help="Handed out one user at a time.", config=True)
    gpus = List(help="The GPUs of this server's own, by number.")
    #: What running servers have, by user and server name; it survives a restart of the hub.
    handed_out: ClassVar[dict[str, list[int]]] = {}

    options_form = Unicode(
        """
        <label for="own">GPUs of my own</label>
        <select name="own" class="form-control">
          <option value="0">none: the shared ones, when I launch something</option>
          <option value="1">1</option><option value="2">2</option><option value="4">4</option>
        </select>
        """
    )

    def options_from_form(self, form: dict[str, list[str]]) -> dict[str, int]:
        """Read the form; the API is sent the same as `{"own": 2}`."""
        return {"own": int(form.get("own", ["0"])[0])}

    async def start(self) -> tuple[str, int]:
        """Choose this server's GPUs before it starts."""
        wanted = int(self.user_options.get("own", 0))
        taken = {gpu for gpus in self.handed_out.values() for gpu in gpus}
        left = [gpu for gpu in self.own if gpu not in taken]
        if not 0 <= wanted <= len(self.own):
            raise HTTPError(400, f"own: 0 to {len(self.own)} GPUs")
        if wanted > len(left):
            raise HTTPError(409, f"{len(left)} of {len(self.own)} GPUs are not handed out")
        self.gpus = self.handed_out[self._log_name] = left[:wanted]
        return await super().start()

    def get_env(self) -> dict[str, str]:
        """Tell the server which GPUs it may see."""
        mine = self.gpus or self.shared
        return {**super().get_env(), "ROCR_VISIBLE_DEVICES": ",".join(map(str, mine))}

    def get_state(self) -> dict[str, object]:
        """Keep the GPUs with what the hub remembers of a running server."""
        return {**super().get_state(), "gpus": list(self.gpus)}

    def load_state(self, state: dict[str, object]) -> None:
        """Know them again after a restart of the hub."""
        super().load_state(state)
        self.gpus = self.handed_out[self._log_name] = list(state.get("gpus", ()))

    def clear_state(self) -> None:
        """Take them back when the server has ended."""
        super().clear_state()
        self.handed_out.pop(self._log_name, None)
        self.gpus = []


c.JupyterHub.spawner_class = GpuSpawner
c.JupyterHub.allow_named_servers = True
# By the numbers of `rocm-smi`; of partitions by those of `%aim gpus`. Other nodes have others.
c.GpuSpawner.shared = [0, 1, 2, 3]
c.GpuSpawner.own = [4, 5, 6, 7]
# Without this every user who can log in at all may use the node.
c.Authenticator.allowed_users = set(os.environ.get("HUB_USERS", "").split())

# What users share on this node: the models, read from one place.
c.Spawner.environment = {
    "AIM_SHARED_CACHE_DIR": "/data/models",
    # What a stopped single-user server does to its engines: with 1 they end with it, else each
    # lives on until its own idle limit (60 min without a request), and is found again by `%aim ps`.
    "AIM_WITH_JUPYTER": os.environ.get("AIM_WITH_JUPYTER", "0"),
}

# Servers in which nobody has done anything for two hours are stopped. Engines do not count as
# activity; requests through the hub to one do (docs/jupyterhub.md).
c.JupyterHub.load_roles = [
    {
        "name": "culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["culler"],
    }
]
if os.environ.get("HUB_CULL", "1") == "1":
    c.JupyterHub.services = [
        {
            "name": "culler",
            "command": ["python3", "-m", "jupyterhub_idle_culler", "--timeout=7200"],
        }
    ]
