"""Lock files and claims: opened safely, locked without waiting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import leases, users
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.leases import locks
from tests.core.leases.children import ALICE, BOB, A, B, C, child, done, needs_root


def test_a_lock_file_that_was_removed_does_not_free_the_device(folder: Path) -> None:
    with leases.take([A], info={"server": "first"}):
        (folder / f"{A}.lock").unlink()
        with pytest.raises(GpuUnavailable, match="first"):
            leases.take([A], info={})


def test_links_and_pipes_in_place_of_files_take_nothing(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (folder / f"{A}.lock").symlink_to(victim)
    os.mkfifo(folder / f"{B}.lock")
    (folder / f"{C}.{os.getuid()}").symlink_to(victim)
    for key in (A, B):
        with pytest.raises(GpuUnavailable):
            leases.take([key], info={})
    with leases.take([C], info={"server": "beside"}):  # the squatted claim is passed over
        assert leases.holders()[C].server == "beside"
    assert victim.read_text() == "keep"


@needs_root
def test_a_lock_file_that_nobody_else_may_open_is_named(folder: Path) -> None:
    (folder / f"{A}.lock").touch(mode=0o600)
    code = f"try: leases.take([{A!r}], info={{}})\nexcept GpuUnavailable as error: print(error)"
    assert f"root has put a closed file in the place of {A}.lock" in done(child(code, user=ALICE))


@needs_root
@pytest.mark.parametrize("what", ["mkdir", "mkfifo", "symlink"])
def test_whoever_blocks_a_lock_is_named(folder: Path, what: str) -> None:
    file = folder / f"{A}.lock"
    if what == "symlink":
        file.symlink_to("/etc/passwd")
    else:
        getattr(os, what)(file)
    os.chown(file, BOB, -1, follow_symlinks=False)
    with pytest.raises(
        GpuUnavailable, match=rf"has put a \w.* in the place of {A}\.lock"
    ) as caught:
        leases.take([A], info={})
    assert users.name(BOB) in str(caught.value)


@pytest.fixture
def place(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield handle
    os.close(handle)


def test_one_open_file_has_a_lock_and_closing_it_frees_it(place: int) -> None:
    first = locks.lock_file(place, A)
    with pytest.raises(locks.Busy):
        locks.lock_file(place, A)
    os.close(first)
    os.close(locks.lock_file(place, A))


def test_looking_tells_a_held_claim_from_one_that_was_left(place: int) -> None:
    held = locks.claim(place, A)
    (name,) = locks.claims(place, A)
    looked = locks.open_to_look(place, name)
    assert looked is not None
    assert locks.held(looked)
    os.close(held)
    assert not locks.held(looked)
    os.close(looked)


def test_what_is_no_file_is_not_looked_into(folder: Path, place: int) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "inside").mkdir()
    assert [locks.open_to_look(place, name) for name in ("pipe", "inside", "gone")] == [None] * 3


def test_nobody_keeps_a_file_that_is_free_or_not_there(place: int) -> None:
    assert locks.blocked(place, A) is None
    os.close(locks.lock_file(place, A))
    assert locks.blocked(place, A) is None
