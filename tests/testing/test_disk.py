"""The small disk of the chaos: full when it is said to be, and as it was afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.testing.disk import FAULTS, Disk, Fault

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting takes root")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    yield made
    made.end()


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_full_and_then_is_not(disk: Disk, fault: Fault) -> None:
    file = disk.home / "there"
    file.write_bytes(b"x" * 4096)
    for _ in range(2):
        disk.fill(fault)
        with pytest.raises(OSError, match="No space left"):
            (disk.home / "new").write_bytes(b"x")
        disk.free()
        (disk.home / "new").write_bytes(b"x")
        (disk.home / "new").unlink()
    assert file.read_bytes() == b"x" * 4096
