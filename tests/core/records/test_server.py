"""Where a server is reached, by what its plan says and what it got."""

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import ServerRecord, StageTime
from tests.render.samples import DEMO

RECORD = ServerRecord(name="a", plan=DEMO)


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("loopback", "http://127.0.0.1:8000/v1"),
        ("0.0.0.0", "http://127.0.0.1:8000/v1"),
        ("10.0.0.7", "http://10.0.0.7:8000/v1"),
    ],
)
def test_a_port_is_a_url_for_programs_here(listen: str, url: str) -> None:
    found = replace(RECORD, plan=replace(DEMO, listen=listen), port=8000)
    assert found.url == found.base_url == found.endpoint == url


def test_before_it_has_a_place_there_is_no_address() -> None:
    for listen in ("loopback", "unix"):
        found = replace(RECORD, plan=replace(DEMO, listen=listen))
        assert (found.address, found.url, found.endpoint, found.base_url) == (None, None, None, "")


def test_a_socket_has_no_url_and_is_named_by_its_file() -> None:
    found = replace(RECORD, plan=replace(DEMO, listen="unix"), socket="/run/a.sock")
    assert (found.url, found.endpoint) == (None, "unix:/run/a.sock")
    assert found.base_url == "http://localhost/v1"


def test_the_stage_is_the_last_and_what_has_ended_does_not_live() -> None:
    assert RECORD.stage is None
    stages = (StageTime(stage="boot", began_at=1.0), StageTime(stage="load", began_at=2.0))
    assert replace(RECORD, stages=stages).stage == "load"
    assert [replace(RECORD, state=state).live for state in ("running", "failed")] == [True, False]
