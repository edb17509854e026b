"""Where a redirect of an engine leads; all else of the relay is tried by who passes through it."""

from __future__ import annotations

import pytest
from yarl import URL

from aim_jupyter.core.records import Address
from aim_jupyter.relay.relay import moved


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/v1/models", "/some/aim/servers/demo/v1/models"),
        ("models?a=b", "/some/aim/servers/demo/v1/models?a=b"),
        ("http://127.0.0.1:8001/v1/x/", "/some/aim/servers/demo/v1/x/"),
        ("http://127.0.0.1:8002/v1/x", None),
        ("https://127.0.0.1:8001/v1/x", None),
        ("//example.org/v1/x", None),
        ("/metrics", None),
        ("/v1x", None),
        ("/v1/%2e%2e/metrics", None),
        ("http://[::1/v1", None),
    ],
)
def test_a_redirect_leads_to_this_route_or_nowhere(location: str, shown: str | None) -> None:
    asked = URL("http://127.0.0.1:8001/v1/completions")
    at = Address(host="127.0.0.1", port=8001)
    assert moved(asked, location, at, "/some/aim/servers/demo") == shown
