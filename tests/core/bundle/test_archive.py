"""A bundle that was written, cut, changed, or added to."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from aim_jupyter.core import api
from aim_jupyter.core.bundle import archive
from aim_jupyter.core.errors import BadUsage, ModelMissing, StateUnusable


@pytest.fixture
def bundle(there: str, tmp_path: Path) -> Path:
    api.create_bundle([there], tmp_path / "bundle")
    return tmp_path / "bundle"


def test_it_is_read_without_this_tool_too(bundle: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=bundle,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "5 files are what they were made as." in api.verify_bundle(bundle)


def test_each_wrong_file_is_named(bundle: Path) -> None:
    (bundle / "models/0/config.json").write_bytes(b"{}")
    (bundle / "models/0/tokenizer.json").unlink()
    (bundle / "models/0/more.py").write_text("")
    with pytest.raises(ModelMissing) as caught:
        api.verify_bundle(bundle)
    for said in ("config.json is not what", "tokenizer.json is missing", "more.py nobody put it"):
        assert said in caught.value.found


def test_a_link_in_it_is_not_followed(bundle: Path, tmp_path: Path) -> None:
    file = bundle / "models/0/config.json"
    (tmp_path / "config.json").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(tmp_path / "config.json")
    with pytest.raises(ModelMissing, match=r"config\.json can't be read"):
        api.verify_bundle(bundle)


def test_a_name_that_leads_elsewhere_is_a_fault(bundle: Path) -> None:
    with (bundle / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  ../../etc/passwd\n")
    faults = dict(archive.faults(bundle))
    assert faults["../../etc/passwd"] == "has a name that leads elsewhere"


@pytest.mark.parametrize("name", ["bundle.json", "SHA256SUMS"])
def test_what_was_not_written_to_its_end_is_none(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(ModelMissing):
        api.verify_bundle(bundle)


def test_nothing_is_written_over(bundle: Path, there: str) -> None:
    with pytest.raises(BadUsage, match="not empty"):
        api.create_bundle([there], bundle)


def test_a_full_disk_is_told_first(
    there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StateUnusable, match="are needed"):
        api.create_bundle([there], tmp_path / "bundle")
    assert list((tmp_path / "bundle").iterdir()) == []
