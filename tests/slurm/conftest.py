"""One Slurm for all tests of a file, and a home that its nodes share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.testing import Script, fake_engine
from tests.conftest import FakeEngine, scrubbed
from tests.slurm import cluster as clusters


@pytest.fixture(scope="module")
def cluster() -> Iterator[clusters.Cluster]:
    """Yield a running Slurm."""
    if lacking := clusters.missing():
        pytest.skip(lacking)
    with clusters.running() as made:
        yield made


@pytest.fixture
def home(cluster: clusters.Cluster) -> Iterator[Path]:
    """Yield a home on the disk that the nodes share; end what was launched from it."""
    with scrubbed(Path(tempfile.mkdtemp(dir=cluster.folder))) as patch:
        for name, value in cluster.environment.items():
            patch.setenv(name, value)
        yield Path(tempfile.mkdtemp(dir=cluster.folder))


@pytest.fixture
def engine(home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Return a function that installs a fake engine on the disk that the nodes share."""

    def install(**behaviour: object) -> Path:
        program = fake_engine(home, Script(**behaviour))  # type: ignore[arg-type]
        monkeypatch.setenv("AIM_ENGINE_PYTHON", str(program))
        return program

    return install
