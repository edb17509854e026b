"""An engine brought up in the fastest way that is possible."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import Image
from aim_jupyter.core.records.plan import Mode
from aim_jupyter.core.serving.start import booting
from aim_jupyter.core.serving.state import starts
from tests.conftest import FakeEngine
from tests.core.serving.state.test_starts import PLAN, TOOK
from tests.waiting import launch_ready


def test_without_a_host_that_can_fork_a_start_is_lean_and_says_why(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()  # It has none of the inner parts that a host replaces.
    monkeypatch.setenv("AIM_START", "warm")
    folder = launch_ready()

    assert folder.read().started_by == "lean"
    assert next(e.message for e in folder.events.read() if e.level == "warning").startswith(
        "started by lean: the warm host has ended"
    )


@pytest.mark.parametrize("mode", ["plain", "lean", "fork"])
def test_a_mode_that_needs_no_host_is_what_it_will_be(mode: Mode) -> None:
    assert booting.likely(replace(PLAN, mode=mode)) == mode


def test_without_a_host_a_warm_start_has_to_warm_up_first() -> None:
    assert booting.likely(replace(PLAN, mode="warm")) == booting.WARMING


def test_only_of_a_container_there_is_something_to_say() -> None:
    assert booting.detail(PLAN) == ""
    image = Image(name="own/engine:1", id="0123", program="podman")
    boxed = replace(PLAN, image=image, mode_reason="in a container")
    assert booting.detail(boxed) == "podman own/engine:1, plain: in a container"


def test_what_is_expected_is_what_the_same_way_took() -> None:
    assert booting.expected(PLAN) == {}
    starts.remember(PLAN, "plain", TOOK, {})
    assert booting.expected(PLAN) == {"boot": 4.0, "load": 6.0, "ready": 1.0}
    assert booting.expected(replace(PLAN, mode="warm")) == {}
