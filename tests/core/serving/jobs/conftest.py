"""A place that runs jobs here, for tests of servers in jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core.places import registry
from tests.core.places import standin as place


@pytest.fixture
def standin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a stand-in place and yield its folder."""
    yield place.installed(tmp_path, monkeypatch)
    registry.of.cache_clear()
