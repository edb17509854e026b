"""Servers that several users of a node use."""

from __future__ import annotations

import pytest

from aim_jupyter.core import serving
from aim_jupyter.core.api import sharing
from aim_jupyter.core.errors import AimError, NotOwner, ServerGone
from tests.conftest import FakeEngine
from tests.waiting import launch_ready


def test_a_live_server_is_listed_with_nobody_and_an_ended_one_is_not(fake: FakeEngine) -> None:
    fake()
    assert sharing.shares_of() == {}
    launch_ready()
    assert sharing.shares_of() == sharing.shares_of("demo") == {"demo": []}
    serving.stop(serving.find("demo"), drain_s=0)
    assert sharing.shares_of() == {}
    with pytest.raises(ServerGone):
        sharing.share("demo", sharing.EVERYONE)


def test_a_server_that_there_is_not_is_told() -> None:
    for verb in (sharing.share, sharing.revoke):
        with pytest.raises(AimError):
            verb("none", "bob")


def test_what_is_anothers_is_theirs_to_share(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    folder = launch_ready()
    folder.owner = "bob"
    monkeypatch.setattr(sharing, "server", lambda _: folder)
    with pytest.raises(NotOwner, match="is bob's to share") as caught:
        sharing.revoke("demo", "carol")
    assert caught.value.hint == "ask bob"
