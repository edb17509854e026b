"""The folder of the lock files: one for all users of a node."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from aim_jupyter.core import leases, users
from aim_jupyter.core.errors import GpuUnavailable, StateUnusable
from aim_jupyter.core.leases import folder as place
from tests.core.leases.children import BOB, A, needs_root


def test_a_folder_that_is_a_link_or_open_to_vandals_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    monkeypatch.setenv("AIM_LEASE_DIR", str(link))
    with pytest.raises(StateUnusable, match="link"):
        leases.take([A], info={})
    with pytest.raises(StateUnusable, match="link"):
        leases.holders()
    monkeypatch.setenv("AIM_LEASE_DIR", str(folder))
    folder.chmod(0o777)
    with pytest.raises(StateUnusable, match="sticky"):
        leases.take([A], info={})


def test_the_folder_is_made_for_all_users_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "new"))
    before = os.umask(0o077)
    try:
        leases.take([A], info={}).release()
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o1777
    assert (tmp_path / "new" / f"{A}.lock").stat().st_mode & 0o777 == 0o666


def test_no_folder_is_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "none"))
    assert leases.holders() == {}
    assert not (tmp_path / "none").exists()


def test_a_captured_machine_has_leases_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with leases.take([A], info={"server": "real"}):
        monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
        assert leases.holders() == {}
        with leases.take([A], info={"server": "captured"}):
            assert leases.holders()[A].server == "captured"
            with pytest.raises(GpuUnavailable, match="captured"):
                leases.take([A], info={})
        monkeypatch.delenv("AIM_SYS_ROOT")
        assert leases.holders()[A].server == "real"


@needs_root
def test_a_folder_of_another_user_is_refused_with_the_line_that_mends_it(folder: Path) -> None:
    os.chown(folder, BOB, -1)
    with pytest.raises(StateUnusable, match=f"belongs to {users.name(BOB)}") as caught:
        leases.take([A], info={})
    assert f"sudo install -d -o root -g root -m 1777 {folder}" in caught.value.hint
    subprocess.run(caught.value.hint.partition(": sudo ")[2].split(), check=True)
    leases.take([A], info={}).release()


def test_the_line_that_makes_it_names_the_folder_that_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_LEASE_DIR", "~/leases")
    assert place.path() == tmp_path / "home" / "leases"
    assert place.repair().endswith(f"-m 1777 {tmp_path}/home/leases")


def test_a_folder_that_can_not_be_made_is_told_with_what_to_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "no" / "such"))
    with pytest.raises(StateUnusable, match="could not be made") as caught, place.opened(make=True):
        pass
    assert caught.value.hint == "set AIM_LEASE_DIR to another folder"
