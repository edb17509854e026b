"""What the REST says of itself, and what it makes of bodies that nobody should send."""

from __future__ import annotations

import inspect
import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core.request import Request
from aim_jupyter.labserver import answers, handlers, openapi
from aim_jupyter.labserver.base import Handler
from tests.labserver.jupyter import Jupyter

_VERBS = ("get", "post", "put", "patch", "delete", "head")

#: Values of every kind, and those that have broken programs before.
_ODD = st.sampled_from(
    [
        *("", "\x00", "../../etc/passwd", "a" * 5000, "\ud800", "--host", "%s%n", "~nobody", "*"),
        *(-1, 0, 2**31, 2**63, 2**200, 1e308, -0.0, 1.5, True, None),
    ]
)
_VALUES = st.recursive(
    _ODD | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_WISHES = st.fixed_dictionaries(
    {"model": st.sampled_from(["demo", "nothing", "/"]) | _VALUES},
    optional={name: _VALUES for name in Request.__struct_fields__ if name != "model"},
)
#: Nothing at all asked for is the demo, as on a line.
_SOMETHING = _VALUES.filter(lambda value: value != {})
_FUZZED = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def told(jupyter: Jupyter, method: str, path: str, **given: Any) -> None:
    """Send something and look that it was answered as the contract says: whatever it was."""
    answer = jupyter.client.request(method, f"aim/{path}", **given)
    assert answer.status_code < 500 or answer.json()["error"] in ("Offline", "StateUnusable")
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error", "found", "to_do"}
        assert "Traceback" not in answer.text


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


@_FUZZED
@given(body=_WISHES)
def test_no_wish_breaks_a_plan(jupyter: Jupyter, body: Any) -> None:
    told(jupyter, "POST", "plan", content=encoded(body))


@_FUZZED
@given(
    body=st.binary()
    | st.builds(encoded, _VALUES.filter(lambda value: value != {}))
    | st.just(b"[" * 100_000)
)
def test_no_body_breaks_a_launch(jupyter: Jupyter, body: bytes) -> None:
    told(jupyter, "POST", "servers", content=body)


@_FUZZED
@given(
    path=st.sampled_from(["models", "recipes", "servers/x/logs", "servers/x", "servers/x/shares"]),
    query=st.dictionaries(
        st.sampled_from(["q", "model", "users", "context", "gpus", "lines", "now"]) | st.text(),
        st.text() | st.sampled_from(["1", "-1", "demo", "4,5", "99999999999999999999"]),
        max_size=3,
    ),
)
def test_no_query_breaks_a_list(jupyter: Jupyter, path: str, query: dict[str, str]) -> None:
    told(jupyter, "GET", path, params=query)


@_FUZZED
@given(name=st.text(min_size=1), user=st.text(min_size=1))
def test_no_name_breaks_a_share(jupyter: Jupyter, name: str, user: str) -> None:
    server, guest = (quote(part.encode("utf-8", "surrogatepass"), "") for part in (name, user))
    for method in ("PUT", "DELETE"):
        told(jupyter, method, f"servers/{server}/shares/{guest}")


def test_nothing_of_that_was_a_defect(jupyter: Jupyter) -> None:
    assert "Traceback" not in jupyter.log
    assert jupyter.get("servers")["servers"] == []


def test_the_description_names_every_route_and_verb(jupyter: Jupyter) -> None:
    described = jupyter.get("openapi.json")
    assert described == json.loads(json.dumps(openapi.document()))
    found = {
        (_pattern(path), verb)
        for path, kind in handlers.ROUTES
        if kind is not handlers.NotFound
        for verb in _VERBS
        if getattr(kind, verb) is not getattr(Handler, verb)
    }
    said = {(one.path, one.method) for one in openapi.OPERATIONS}
    # The OpenAI interface passes on every verb; two of them say enough.
    assert {each for each in found if "v1/" not in each[0]} == {
        each for each in said if "v1/" not in each[0]
    }


def test_every_verb_of_every_route_wants_a_user() -> None:
    for _, kind in handlers.ROUTES:
        for verb in _VERBS:
            method = getattr(kind, verb)
            if method is not getattr(Handler, verb):
                # What `tornado.web.authenticated` wraps is not what runs.
                assert hasattr(method, "__wrapped__"), (kind, verb)
                assert inspect.unwrap(method) is not method


def test_every_answer_is_as_described(jupyter: Jupyter) -> None:
    schemas = openapi.document()["components"]["schemas"]
    row = jupyter.post("servers", {"model": "demo"}, 201)
    assert sorted(row) == sorted(schemas["PsRow"]["properties"])
    server = jupyter.until("demo", "running")
    assert set(server) == {*row, *answers.BESIDE_THE_ROW}
    assert set(server["history"]) == set(answers.HISTORY)
    jupyter.ask("DELETE", "servers/demo?now=1", 202)
    jupyter.until("demo", "stopped")


def test_no_key_is_ever_answered(jupyter: Jupyter) -> None:
    # A name of its own: a test before this one may still be stopping the demo.
    jupyter.post("servers", {"model": "demo", "name": "keyed"}, 201)
    jupyter.until("keyed", "running")
    state = jupyter.folder.parent / "state" / "servers" / "keyed"
    key = (state / "key").read_text().strip()
    for path in (
        "status",
        "servers",
        "servers/keyed",
        "servers/keyed/logs",
        "servers/keyed/shares",
    ):
        text = jupyter.client.get(f"aim/{path}").text
        assert key not in text
        assert "VLLM_API_KEY" not in text
    assert key not in jupyter.log
    jupyter.ask("DELETE", "servers/keyed?now=1", 202)
    jupyter.until("keyed", "stopped")


def _pattern(path: str) -> str:
    return (
        path.replace("(?P<name>[^/]+)", "{name}")
        .replace("(?P<user>[^/]+)", "{user}")
        .replace("(?P<path>/.*)?", "/{path}")
        .replace("\\.", ".")
    )
