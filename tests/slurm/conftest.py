"""One Slurm for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.slurm import cluster as clusters


@pytest.fixture(scope="module")
def cluster() -> Iterator[clusters.Cluster]:
    """Yield a running Slurm of two nodes."""
    if lacking := clusters.missing():
        pytest.skip(lacking)
    with clusters.running() as made:
        yield made
