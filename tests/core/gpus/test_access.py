"""What this process may open, told without opening it; and what the doctor makes of it."""

from __future__ import annotations

import os
import stat

import pytest

from aim_jupyter.core.gpus import access
from aim_jupyter.core.gpus.tree import Reader

from . import trees
from .trees import MemoryTree


class Guarded(MemoryTree):
    """A tree where some device files are closed, as `os.access` would say."""

    closed: tuple[str, ...] = ()
    mode, uid, gid = 0o100660, 0, 44

    def allowed(self, path: str) -> bool:
        return path in self.files and path not in self.closed

    def facts(self, path: str) -> os.stat_result:
        super().facts(path)
        return os.stat_result((self.mode, 0, 0, 1, self.uid, self.gid, 0, 0, 0, 0))


def guarded(*closed: str, without: tuple[str, ...] = (), cards: int = 2) -> Guarded:
    files = {path: text for path, text in trees.mi300x(cards).items() if path not in without}
    tree = Guarded(files)
    tree.closed = closed
    return tree


def doors(tree: Guarded, *minors: int | None) -> list[access.Access]:
    found = access.Doors(Reader(tree))
    return [found.access(minor) for minor in minors]


def test_open_devices_are_usable() -> None:
    assert [door.usable for door in doors(guarded(), 128, 136)] == [True, True]


def test_without_any_dev_nothing_is_known() -> None:
    tree = Guarded({"sys/x": b""})
    assert doors(tree, 128) == [access.Access()]


@pytest.mark.parametrize("superuser", [False, True])
def test_a_closed_kfd_closes_all_with_the_reason(
    *, superuser: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if superuser else 64001)
    monkeypatch.setattr(os, "getgroups", lambda: [64001])
    reason = "denied by the device cgroup" if superuser else "permission denied"
    for door in doors(guarded("dev/kfd"), 128, 136):
        assert (door.usable, door.reason, door.passed) == (False, f"/dev/kfd: {reason}", True)


def test_a_render_node_that_was_not_passed_in_is_skipped_by_the_runtime() -> None:
    here, gone = doors(guarded(without=("dev/dri/renderD136",)), 128, 136)
    assert (here.usable, here.passed) == (True, True)
    assert (gone.usable, gone.passed) == (False, False)
    assert gone.reason == "renderD136 was not passed in"


@pytest.mark.parametrize(("user", "passed"), [(0, False), (64001, True)])
def test_a_render_node_that_the_cgroup_denies_is_skipped_and_one_without_rights_is_not(
    *, user: int, passed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "getgroups", lambda: [64001])
    denied = doors(guarded("dev/dri/renderD136"), 136)[0]
    assert (denied.usable, denied.passed) == (False, passed)


def test_missing_devices_are_named() -> None:
    nodes = ("dev/dri/renderD128", "dev/dri/renderD136")
    assert doors(guarded(without=("dev/kfd",)), 128)[0].reason == "/dev/kfd is missing"
    assert doors(guarded(without=nodes), 128)[0].reason == "/dev/dri is missing"


def test_groups_and_modes_are_judged_as_the_kernel_does() -> None:
    def permitted(mode: int, uid: int, gid: int, *, user: int, groups: tuple[int, ...]) -> bool:
        there = os.stat_result((stat.S_IFCHR | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))
        return access.permitted(there, user, groups)

    assert permitted(0o660, 0, 44, user=1000, groups=(44,))
    assert not permitted(0o660, 0, 44, user=1000, groups=(45,))
    assert permitted(0o666, 0, 44, user=1000, groups=())
    assert not permitted(0o606, 0, 44, user=1000, groups=(44,))  # the group comes before others
    assert permitted(0o600, 1000, 44, user=1000, groups=())
    assert not permitted(0o060, 1000, 44, user=1000, groups=(44,))  # and the owner before it
    assert permitted(0o000, 0, 0, user=0, groups=())


# -- the doctor ----------------------------------------------------------------------------------
