"""A home with the real SGLang in it, beside vLLM; the environment is made where it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import config
from tests.conftest import scrubbed, use_installed_engine
from tests.sglang import environment


@pytest.fixture(scope="session")
def installed() -> Path:
    """Return the data folder of the tests of SGLang: it stays, as does what it has been asked."""
    with pytest.MonkeyPatch.context() as patch:
        use_installed_engine(patch)
        data = config.data_dir() / "tests"
        environment.make(data / "engines")
    return data


@pytest.fixture(scope="module", autouse=True)
def home(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Set up one home for a module: its tests share their servers."""
    folder = tmp_path_factory.mktemp("sglang")
    with scrubbed(folder) as patch:
        patch.setenv("AIM_DATA_DIR", str(installed))
        # Children of the engine may write the bytecode that makes the next start quicker.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield folder


@pytest.fixture(autouse=True)
def isolated(home: Path) -> Path:
    """Take the place of the fixture that gives each test a home of its own."""
    return home
