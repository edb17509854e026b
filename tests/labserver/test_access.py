"""Who may ask, under Jupyter's strictest setting: each verb of each route, those it lacks too.

``ServerApp.allow_unauthenticated_access = False`` (in `conftest`) refuses every handler that has
not said itself that anybody may ask; with the token it may refuse none of ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from aim_jupyter.labserver import handlers
from tests.labserver.jupyter import Jupyter

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
#: What stands for the names in a route; no server has this one.
NAMES = {
    "(?P<name>[^/]+)": "nobodys",
    "(?P<user>[^/]+)": "nobody",
    "(?P<path>/.*)?": "/models",
    r"openapi\.json": "openapi.json",
}


def paths() -> Iterator[str]:
    """Yield a path for each route, and one for none of them."""
    for pattern, _ in handlers.ROUTES:
        path = pattern
        for part, name in NAMES.items():
            path = path.replace(part, name)
        yield "something/else" if path == ".*" else path


PATHS = list(paths())


def test_each_route_has_a_path_of_its_own() -> None:
    assert len(set(PATHS)) == len(handlers.ROUTES)
    assert not any(letter in path for path in PATHS for letter in "()?*\\")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "token of-somebody-else"}])
def test_nobody_is_told_anything_without_the_token(
    jupyter: Jupyter, headers: dict[str, str]
) -> None:
    with httpx.Client(base_url=jupyter.url, headers=headers, timeout=60) as stranger:
        for path in PATHS:
            for method in METHODS:
                answer = stranger.request(method, f"aim/{path}")
                assert answer.status_code == 403, (method, path)
                assert method == "HEAD" or "Forbidden" in answer.text, (method, path)
            # What a browser asks before it asks: which verbs, and nothing of the machine.
            preflight = stranger.request("OPTIONS", f"aim/{path}")
            assert (preflight.status_code, preflight.content) == (200, b""), path


def test_with_the_token_no_route_is_refused(jupyter: Jupyter) -> None:
    for path in PATHS:
        for method in METHODS:
            # A launch would be a launch: it is asked with a body that no launch has.
            answer = jupyter.client.request(method, f"aim/{path}", content=b"[]")
            assert answer.status_code not in (401, 403), (method, path)
            assert answer.status_code < 500, (method, path, answer.text)
    assert jupyter.get("servers")["servers"] == []


def test_jupyter_names_no_handler_of_ours(jupyter: Jupyter) -> None:
    """At its start it lists those that do not say who may ask, a line with a dash each."""
    named = [line for line in jupyter.log.splitlines() if line.strip().startswith("- ")]
    assert [line for line in named if "aim" in line] == []
