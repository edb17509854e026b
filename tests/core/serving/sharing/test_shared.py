"""Servers of others that this user may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.errors import ServerGone, UnknownName
from aim_jupyter.core.serving.sharing import shared
from aim_jupyter.core.serving.sharing.listener import Offer
from aim_jupyter.core.serving.sharing.shared import SharedServer
from tests.core.serving.sharing.made import RECORD


@pytest.fixture(autouse=True)
def leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "leases"))
    return tmp_path / "leases"


def server() -> SharedServer:
    return SharedServer("door", "ada", Offer(record=RECORD, key="k"))


def test_it_is_called_by_its_owner_too_and_says_who_that_is() -> None:
    record = server().read()
    assert (record.name, record.plan.server) == ("demo@ada", "demo@ada")
    assert record.reason == "shared by ada"


def test_what_was_fetched_serves_once_and_then_the_owner_is_asked() -> None:
    one = server()
    assert one.key() == "k"
    with pytest.raises(ServerGone, match="ada does not share it any more") as raised:
        one.key()
    assert raised.value.hint == "%aim ps"


def test_nothing_of_the_owners_folder_is_read() -> None:
    assert not server().path.exists()
    assert str(server().path).startswith("/nonexistent/")


def test_where_nobody_shares_there_is_nothing() -> None:
    assert shared.shared() == []
    assert shared.silent() == {}


def test_a_name_that_nobody_shares_is_unknown() -> None:
    with pytest.raises(UnknownName, match="demo@ada"):
        shared.find("demo@ada")
