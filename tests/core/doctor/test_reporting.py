"""The doctor's report: enough for a maintainer, nothing that names a person."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path

import pytest

from aim_jupyter.core import api
from aim_jupyter.core.errors import StateUnusable


def test_a_report_tells_the_machine_and_names_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "hub_secret")
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "0")
    file = tmp_path / "report.json"
    checks = api.doctor(file)
    text = file.read_text()
    told = json.loads(text)
    assert len(told["checks"]) == len(checks)
    assert told["variables"]["ROCR_VISIBLE_DEVICES"] == "0"
    assert told["machine"]["host"] == ""
    for secret in ("hf_secret", "hub_secret", platform.node() + '"', f'"{getpass.getuser()}"'):
        assert secret not in text
    assert str(Path.home()) not in text


def test_a_report_that_cannot_be_written_is_told() -> None:
    with pytest.raises(StateUnusable, match="/proc/nowhere"):
        api.doctor(Path("/proc/nowhere/report.json"))
