"""What servers do and did."""

from __future__ import annotations

import pytest

from aim_jupyter.core.api import activity
from aim_jupyter.core.errors import AimError, ServerGone
from tests.conftest import FakeEngine
from tests.waiting import ended, launch_ready, say, until


def test_the_past_of_an_ended_server_ends_with_it(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    say(folder, "hello")
    until(lambda: any(one.req_done == 1 for one in activity.history("demo", 600)))
    assert len(activity.plotted("demo", 600)) <= activity.PLOT_POINTS + 1
    assert [view.record.name for view in activity.metrics()] == ["demo"]
    ended(folder)
    assert activity.metrics() == []
    assert any(one.req_done == 1 for one in activity.history("demo", 600))
    assert activity.history_columns("demo", 600)
    with pytest.raises(ServerGone):
        activity.exported("demo")


def test_all_at_a_glance_holds_only_what_lives(fake: FakeEngine) -> None:
    fake()
    assert activity.top().servers == ()
    folder = launch_ready()
    top = activity.top()
    assert [view.record.name for view in top.servers] == ["demo"]
    assert set(top.history) == {"demo"}
    ended(folder)
    assert activity.top().servers == ()


def test_what_happened_comes_in_the_order_of_time(fake: FakeEngine) -> None:
    fake()
    ended(launch_ready())
    times = [event.at for event in activity.events()]
    assert times == sorted(times)
    assert [event.message for event in activity.follow_events("demo")] == [
        event.message for event in activity.events("demo")
    ]


def test_a_server_that_there_is_not_is_told() -> None:
    for verb in (activity.metrics, activity.events, activity.follow_events, activity.history):
        with pytest.raises(AimError):
            verb("none")
    assert activity.exported() == []
    assert activity.events() == []
