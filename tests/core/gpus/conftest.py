"""No test sees this machine's own leases, masks or captured root."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.gpus import masks


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the surroundings could bring in."""
    for name in (*masks.VARIABLES, "AIM_SYS_ROOT", "HSA_OVERRIDE_GFX_VERSION", "ROCM_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "leases"))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a captured machine, empty as yet."""
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path / "root"))
    return tmp_path / "root"
