"""One Jupyter Server for the tests of a module: a start of it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.testing import Script, fake_engine
from tests.conftest import scrubbed
from tests.labserver.jupyter import Jupyter


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of a machine without GPUs whose engine is the fake one."""
    folder = tmp_path_factory.mktemp("site")
    with scrubbed(folder) as patch:
        patch.setenv("AIM_ENGINE_PYTHON", str(fake_engine(folder, Script(token_s=0.15))))
        yield folder


@pytest.fixture(scope="module")
def jupyter(site: Path) -> Iterator[Jupyter]:
    """Return a Jupyter Server on that machine."""
    started = Jupyter(site / "jupyter", {})
    yield started
    started.end()
