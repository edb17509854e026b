"""With whom a server is shared, as its folder has it."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.serving.sharing import shares
from aim_jupyter.core.serving.state.folder import ServerFolder

GUEST, OTHER = 70001, 70002


@pytest.fixture
def folder(tmp_path: Path) -> ServerFolder:
    """Return a server's folder with a guest, and nobody who answers."""
    path = tmp_path / "demo"
    path.mkdir()
    (path / "shares.json").write_text(f'{{"users": {{"{GUEST}": "ada"}}}}')
    return ServerFolder(path)


def test_a_key_is_drawn_once_and_the_guard_has_only_its_hash(folder: ServerFolder) -> None:
    key = shares.key_for(folder, GUEST)
    assert key is not None
    assert shares.key_for(folder, GUEST) == key
    assert (folder.path / "guests").read_text() == hashlib.sha256(key.encode()).hexdigest()
    assert stat.S_IMODE((folder.path / "shares.json").stat().st_mode) == 0o600
    assert shares.listed(folder) == [shares.Share(user="ada", attached=True)]


def test_who_may_not_gets_no_key(folder: ServerFolder) -> None:
    assert shares.key_for(folder, OTHER) is None
    assert not (folder.path / "guests").exists()


def test_a_share_that_is_taken_back_ends_its_key(folder: ServerFolder) -> None:
    shares.key_for(folder, GUEST)
    assert shares.revoke(folder, "ada") == []
    assert (folder.path / "guests").read_text() == ""
    assert shares.key_for(folder, GUEST) is None


def test_what_was_not_shared_can_not_be_taken_back(folder: ServerFolder) -> None:
    with pytest.raises(BadUsage, match="is not shared with bob"):
        shares.revoke(folder, "bob")
    (folder.path / "shares.json").write_text('{"everyone": true}')
    with pytest.raises(BadUsage, match="with all users, not with bob by name") as raised:
        shares.revoke(folder, "bob")
    assert raised.value.hint == "%aim share demo --all --revoke"


def test_all_users_come_first_and_each_has_a_key_of_their_own(folder: ServerFolder) -> None:
    (folder.path / "shares.json").write_text('{"everyone": true}')
    one, other = shares.key_for(folder, GUEST), shares.key_for(folder, OTHER)
    assert one != other
    assert shares.listed(folder) == [shares.Share(user="*", attached=True)]
    assert shares.revoke(folder, shares.EVERYONE) == []
    assert not shares.read(folder).any


def test_what_can_not_be_read_shares_with_nobody(folder: ServerFolder) -> None:
    (folder.path / "shares.json").write_text("{")
    assert shares.read(folder) == shares.Shares()
    assert not shares.read(folder).allows(GUEST)


def test_a_share_is_with_another_user_of_the_node(folder: ServerFolder) -> None:
    with pytest.raises(UnknownName):
        shares.add(folder, "nobody-of-this-name")
    with pytest.raises(UnknownName):
        shares.add(folder, "nul\0")


def test_nobody_shares_with_themselves(
    folder: ServerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "_uid", lambda _: os.getuid())
    with pytest.raises(BadUsage, match="is your own"):
        shares.add(folder, "me")
