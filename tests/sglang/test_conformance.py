"""The real SGLang does what every engine must, on the CPU; and keeps its key to itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from aim_jupyter.core import adapters, api, engines
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.state.process import members
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.testing import conformance
from tests.waiting import say

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1200)]

DEMO = Request(model="demo", engine="sglang")
#: Seconds that a start may take: 25 on two quiet cores, minutes the first time.
START_S = 600.0
#: Those that SGLang's own key leaves open, and others that its description does not name.
ROUTES = (
    *("/health_generate", "/ready", "/ping", "/metrics/", "/get_load", "/v1/loads", "/docs"),
    *("/redoc", "/model_info", "/server_info", "/flush_cache", "/abort_request", "/v1/realtime"),
)


def test_it_does_what_every_engine_must() -> None:
    assert conformance.check(DEMO, routes=ROUTES, start_s=START_S) == {}


def test_every_name_in_its_adapter_is_one_that_it_knows() -> None:
    adapter = adapters.get("sglang")
    environment = engines.choose(platform="cpu", engine="sglang")
    flags = {name.removeprefix("--"): flag for flag in environment.flags for name in flag.names}
    settings = [adapter.setting(word) for word in adapter.settings]
    changes = [change for rule in adapter.failures for change in rule.change]
    said = {*adapter.options, *adapter.asks}
    said |= {name for change in changes for name in change.set if name not in adapter.settings}
    said |= {setting.option for setting in settings if setting and setting.option}
    assert said <= flags.keys()
    assert {*adapter.reserved, *adapter.effects} <= {*flags, *environment.variables}
    for setting in settings:
        if setting and setting.option and flags[setting.option].choices:
            assert set(setting.values.values()) <= set(flags[setting.option].choices)


@pytest.fixture(scope="module")
def folder(home: Path) -> ServerFolder:
    launched = api.launch(replace(DEMO, new=True))
    for _ in api.wait(launched.name, limit_s=START_S):
        pass
    return launched


def test_it_answers_what_the_model_has_learned(folder: ServerFolder) -> None:
    assert "%aim stop" in say(folder, "How do I free a GPU?")
    record = folder.read()
    assert (record.plan.engine, record.plan.engine_version) == ("sglang", "0.5.23")
    assert record.stages[0].detail in ("SGLang 0.5.23", "the scheduler is up")
    assert record.facts["kv_tokens"] == 8192
    assert record.facts["context_tokens"] == 1024


def test_its_key_is_nowhere_to_be_read(folder: ServerFolder) -> None:
    key = folder.key()
    engine = folder.read().engine
    assert engine is not None
    for pid in members(engine):
        assert key.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert key.encode() not in folder.log.read_bytes()
    assert b"'api_key': '***'" in folder.log.read_bytes()


def test_a_guest_may_chat_and_do_no_more(folder: ServerFolder) -> None:
    (folder.path / "guests").write_text(hashlib.sha256(b"guest").hexdigest())
    at = folder.read().address
    assert endpoint.get(at, "/v1/models", "guest").status == httpx.codes.OK
    assert endpoint.get(at, "/server_info", "guest").status == httpx.codes.UNAUTHORIZED
    assert endpoint.get(at, "/server_info", folder.key()).status == httpx.codes.OK
