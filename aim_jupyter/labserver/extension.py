"""What Jupyter Server calls: the routes put below its base URL."""

from __future__ import annotations

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from aim_jupyter.labserver import handlers
from aim_jupyter.labserver.sampler import Sampler


def load(app: ServerApp) -> None:
    """Add the routes below ``aim/``; nothing is read before somebody asks."""
    settings = app.web_app.settings
    settings[handlers.SAMPLER] = Sampler(handlers.read_status)
    base = url_path_join(settings["base_url"], "aim/")
    routes = [(base + path, kind) for path, kind in handlers.ROUTES]
    app.web_app.add_handlers(".*$", routes)  # type: ignore[no-untyped-call] # tornado says no types
