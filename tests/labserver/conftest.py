"""One Jupyter Server for all modules; each finds it as if nobody had used it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.testing import Script, fake_engine
from tests.conftest import scrubbed, tidied
from tests.labserver.jupyter import Jupyter


def go_on(site: Path) -> Path:
    """Make the file without which no streamed reply goes beyond its first word, and return it."""
    file = site / "go on"
    file.touch()
    return file


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of a machine without GPUs whose engine is the fake one."""
    folder = tmp_path_factory.mktemp("site")
    said = Script(token_s=0.15, gates={"reply": str(go_on(folder))})
    with scrubbed(folder) as patch:
        patch.setenv("AIM_ENGINE_PYTHON", str(fake_engine(folder, said)))
        patch.setenv("AIM_RECIPES_PATH", str(folder / "recipes"))
        yield folder


@pytest.fixture(scope="package")
def shared(site: Path) -> Iterator[Jupyter]:
    """Return a Jupyter Server on that machine, as strict as it can be about who may ask."""
    strict = "--ServerApp.allow_unauthenticated_access=False"
    started = Jupyter(site / "jupyter", {}, strict)
    yield started
    started.end()


@pytest.fixture(scope="module")
def jupyter(shared: Jupyter, site: Path) -> Iterator[Jupyter]:
    """Return that Jupyter Server; what a module has launched ends with it."""
    yield shared
    tidied(site)
