"""The documented configuration of a node, moved to where a test can run it.

Nothing of the GPUs, the form, the environment or the scopes is said here: that is the subject.
"""

# JupyterHub brings `c` and `load_subconfig`.
# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

import json
import os
from pathlib import Path

given = json.loads(os.environ["TEST_HUB"])
node = Path(given["node"])
load_subconfig(given["documented"])

# The captured node has its own: partitions of two idle cards.
c.GpuSpawner.shared, c.GpuSpawner.own = given["shared"], given["own"]
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "only-for-tests"
c.JupyterHub.bind_url = f"http://127.0.0.1:{given['port']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{given['hub_port']}"
c.JupyterHub.db_url = f"sqlite:///{node / 'hub' / 'db.sqlite'}"
c.JupyterHub.cookie_secret_file = str(node / "hub" / "cookie")
c.ConfigurableHTTPProxy.pid_file = str(node / "hub" / "proxy.pid")
c.ConfigurableHTTPProxy.command = given["proxy"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{given['proxy_port']}"
c.ConfigurableHTTPProxy.auth_token = "only-between-hub-and-proxy"
c.Spawner.cmd = [given["python"], "-m", "jupyterhub.singleuser"]
c.Spawner.http_timeout = c.Spawner.start_timeout = 90
c.Spawner.environment = {
    **c.Spawner.environment,
    **given["environment"],
    # As an administrator sets it for all; here for one, so that one hub shows both.
    "AIM_WITH_JUPYTER": lambda spawner: "1" if spawner.user.name == given["ends"] else "0",
}
c.JupyterHub.services = [{"name": "tests", "api_token": given["token"]}]
c.JupyterHub.load_roles = [
    {
        "name": "tests",
        "services": ["tests"],
        "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"],
    },
]
