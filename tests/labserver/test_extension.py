"""What Jupyter Server calls."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aim_jupyter.labserver import handlers
from aim_jupyter.labserver.extension import load
from aim_jupyter.labserver.sampler import Sampler


def test_all_routes_stand_below_the_servers_own_base_and_nothing_is_read() -> None:
    added: list[tuple[str, Any]] = []
    app = SimpleNamespace(
        settings={"base_url": "/some%40where/"},
        add_handlers=lambda host, routes: added.extend((host, route) for route in routes),
    )
    load(SimpleNamespace(web_app=app))  # type: ignore[arg-type]
    assert {host for host, _ in added} == {".*$"}
    assert [path for _, (path, _) in added] == [
        f"/some%40where/aim/{path}" for path, _ in handlers.ROUTES
    ]
    assert isinstance(app.settings[handlers.SAMPLER], Sampler)
