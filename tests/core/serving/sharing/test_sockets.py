"""The folder of the sockets at which supervisors answer others."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.serving.sharing import sockets


@pytest.fixture
def leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the leases, where the sockets' is in, as everybody may write it."""
    folder = tmp_path / "leases"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setenv("AIM_LEASE_DIR", str(folder))
    return folder


def test_all_users_may_open_a_socket_and_nobody_may_end_anothers(leases: Path) -> None:
    with sockets.opened(make=True):
        mode = (leases / sockets.FOLDER).stat().st_mode
    assert stat.S_IMODE(mode) == 0o1777


def test_where_nothing_is_shared_a_look_makes_no_folder(leases: Path) -> None:
    with pytest.raises(StateUnusable), sockets.opened():
        pass
    assert not (leases / sockets.FOLDER).exists()
    leases.rmdir()
    with pytest.raises(StateUnusable, match="nothing is shared on this node"), sockets.opened():
        pass
    assert not leases.exists()


def test_a_folder_in_which_anyone_could_end_a_share_is_refused(leases: Path) -> None:
    (leases / sockets.FOLDER).mkdir()
    (leases / sockets.FOLDER).chmod(0o777)
    with pytest.raises(StateUnusable, match="not sticky") as raised, sockets.opened():
        pass
    assert raised.value.hint == f"chmod 1777 {leases / sockets.FOLDER}"


def test_a_link_to_a_folder_is_none(leases: Path, tmp_path: Path) -> None:
    (leases / sockets.FOLDER).symlink_to(tmp_path)
    with pytest.raises(StateUnusable), sockets.opened(make=True):
        pass


def test_a_server_has_one_name_and_another_has_another(tmp_path: Path) -> None:
    name = sockets.name_for(tmp_path / "demo")
    assert name == sockets.name_for(tmp_path / "x" / ".." / "demo")
    assert name != sockets.name_for(tmp_path / "other")
    assert name.startswith(sockets.lead(os.getuid()))


def test_only_sockets_of_those_whose_name_they_bear_are_listed(leases: Path) -> None:
    mine, foreign = sockets.lead(os.getuid()) + "a", sockets.lead(os.getuid() + 1) + "b"
    with sockets.opened(make=True) as place:
        for name in (mine, foreign, "other"):
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(sockets.address(place, name))
        folder = leases / sockets.FOLDER
        (folder / (sockets.lead(os.getuid()) + "file")).touch()
        (folder / (sockets.lead(os.getuid()) + "link")).symlink_to(mine)
        assert list(sockets.owned(place)) == [(mine, os.getuid())]
        assert sockets.is_socket(place, mine)
        assert not sockets.is_socket(place, sockets.lead(os.getuid()) + "link")
        assert not sockets.is_socket(place, "absent")


def test_who_is_at_the_other_side_is_told_by_the_kernel() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert sockets.peer(one) == os.getuid()
