"""A home for a whole module of the real engine's tests, so that one warm host serves them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core.serving.start import warm
from tests.conftest import scrubbed, use_installed_engine


@pytest.fixture(scope="module")
def warm_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Set up the home; a module takes it by a fixture `isolated` of its own."""
    folder = tmp_path_factory.mktemp("warm")
    with scrubbed(folder) as patch:
        use_installed_engine(patch)
        yield folder
        patch.setenv("AIM_STATE_DIR", str(folder / "state"))
        warm.end()
