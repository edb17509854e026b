"""A folder of leases that every user may enter."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not tmp_path: that is 0700, and other users have to get in.
    place = Path(tempfile.mkdtemp(prefix="leases-", dir="/tmp"))
    place.chmod(0o1777)
    monkeypatch.setenv("AIM_LEASE_DIR", str(place))
    monkeypatch.delenv("AIM_SYS_ROOT", raising=False)
    yield place
    shutil.rmtree(place, ignore_errors=True)
