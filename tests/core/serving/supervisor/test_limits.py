"""When a server ends by itself."""

from __future__ import annotations

import os

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import ProcessId, ServerRecord
from aim_jupyter.core.serving.state.process import identify
from aim_jupyter.core.serving.supervisor.limits import reached
from tests.core.serving.state.test_starts import PLAN


def record(**plan: object) -> ServerRecord:
    made = replace(PLAN, **{"idle_s": None, **plan})
    return ServerRecord(name="demo", plan=made, created_up_s=100.0, idle_up_s=200.0)


@pytest.mark.parametrize(
    ("now", "why"), [(260.0, None), (260.1, "no request for 60 s"), (0.0, None)]
)
def test_idleness_is_counted_from_the_last_request(now: float, why: str | None) -> None:
    assert reached(record(idle_s=60.0), now) == why
    assert reached(replace(record(idle_s=60.0), idle_up_s=None), now) is None


def test_a_life_is_counted_from_the_launch() -> None:
    assert reached(record(lifetime_s=30.0), 130.0) is None
    assert reached(record(lifetime_s=30.0), 131.0) == "its 30 s are over"


def test_without_a_limit_it_stays() -> None:
    assert reached(record(), 1e9) is None


def test_it_ends_with_the_jupyter_server_that_it_lives_with() -> None:
    assert reached(record(lives_with=identify(os.getpid())), 0.0) is None
    gone = ProcessId(os.getpid(), 1, "another boot")
    assert reached(record(lives_with=gone), 0.0) == "its Jupyter server has ended"
