"""The notebook that judges sentences in four ways, on the real vLLM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]


def test_the_notebook_says_what_came_out(
    real_engine: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ROWS", "60")
    html = tmp_path / "sentiment.html"
    done = subprocess.run(
        [sys.executable, "notebooks/run.py", "notebooks/sentiment.ipynb", html],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "SmolLM2, asked" in done.stdout
    assert "Best: " in html.read_text()
