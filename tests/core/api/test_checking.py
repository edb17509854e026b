"""What is wrong here, and the report of it."""

from __future__ import annotations

import json
from pathlib import Path

from aim_jupyter.core import api


def test_what_was_checked_is_told_and_written(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    checks = api.doctor(file)
    assert [one.good for one in checks] == sorted(one.good for one in checks), "the failed first"
    assert json.loads(file.read_text())
