"""Models inside packages of the index, from wheels that the tests make."""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from aim_jupyter.core import api, cache, config
from aim_jupyter.core.cache import packages
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.cache.packages import Package
from aim_jupyter.core.errors import ModelMissing, Offline
from aim_jupyter.core.planning import resolving
from tests.hub import model_files

REPO = "Org/Packed"


def wheel(folder: Path, files: dict[str, bytes]) -> Package:
    """Write a wheel with these files into `folder`; return it as a row of the table."""
    folder.mkdir(exist_ok=True)
    info = "packed-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: packed\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in files).encode()
    path = folder / "packed-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return Package(
        package="packed==1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size_bytes=path.stat().st_size,
        inside="packed/model",
        said="from a test",
    )


@pytest.fixture
def index(tmp_path: Path, isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that pip takes for its index, with a model in a wheel; no Hub is there."""
    folder = tmp_path / "index"
    inside = {f"packed/model/{name}": content for name, content in model_files().items()}
    outside = {"packed/__init__.py": b"raise SystemExit", "packed/model/../../escaped": b"x"}
    package = wheel(folder, inside | outside)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(packages, "_table", lambda: {REPO: package})
    return folder


def fetch(tmp_path: Path) -> Outcome:
    packages.main(REPO, sys.executable, str(tmp_path / "outcome.json"))
    return msgspec.json.decode((tmp_path / "outcome.json").read_bytes(), type=Outcome)


def test_a_model_in_a_wheel_becomes_one_of_the_cache(index: Path, tmp_path: Path) -> None:
    offer = cache.obtainable(REPO)
    assert (offer.source.kind, offer.download) == ("package", "package:Org/Packed")
    assert fetch(tmp_path).done
    located = cache.locate(REPO)
    assert located.complete
    folder = Path(str(located.path))
    assert cache.source_of(REPO, folder).note == "from a test"
    assert (folder / "model.safetensors").read_bytes() == model_files()["model.safetensors"]
    assert {file.name for file in folder.iterdir()} >= {"config.json", "tokenizer.json", ".cache"}
    assert not list(folder.parent.parent.rglob("escaped"))
    assert not packages.building(REPO).exists()


def test_its_files_are_verified_as_all_others_are(index: Path, tmp_path: Path) -> None:
    fetch(tmp_path)
    assert [one.verified for one in api.verify([REPO])] == [True]
    with (packages.folder_of_package(REPO) / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    assert [one.verified for one in api.verify([REPO])] == [False]
    assert cache.locate(REPO).damaged == ("model.safetensors",)


@pytest.mark.parametrize("place", [".packages", ".packages/models--Org--Packed", "Org"])
def test_it_is_not_put_together_elsewhere(index: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("kept")
    link = config.model_cache_dir() / place
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "outside")
    outcome = fetch(tmp_path)
    assert not outcome.done
    assert outcome.error.count("\n") == 0
    assert [each.name for each in (tmp_path / "outside").iterdir()] == ["file"]


def test_other_bytes_are_refused(index: Path, tmp_path: Path) -> None:
    wheel(index, {"packed/model/config.json": b"{}"})
    outcome = fetch(tmp_path)
    assert not outcome.done
    assert outcome.error.startswith("The package index gave no packed==1.0: ")
    assert not packages.folder_of_package(REPO).exists()


def test_without_an_index_the_hub_is_what_is_missed(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    with pytest.raises(Offline, match="HF_HUB_OFFLINE"):
        cache.obtainable(REPO)


def test_what_no_package_has_is_refused_as_before(index: Path) -> None:
    with pytest.raises(Offline):
        cache.obtainable("Org/Other")


def test_what_an_engine_can_not_write_out_is_said(index: Path, tmp_path: Path) -> None:
    broken = wheel(index, {"packed/model": b"GGUF, but no more"})
    tools = (packages.Pinned(package="packed==1.0", sha256=broken.sha256, size_bytes=1),)
    package = msgspec.structs.replace(broken, tools=tools)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packages, "_table", lambda: {REPO: package})
        with pytest.raises(ModelMissing, match=r"can't write model out: .*No module named"):
            packages.fetch(REPO, Path(sys.executable), lambda _: None)


def test_the_small_model_is_the_default_and_the_demo_what_is_left(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "SMALL", REPO)
    monkeypatch.delenv("AIM_DEFAULT_MODEL")
    resolving._small.cache_clear()
    assert api.default_model() == REPO
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert api.default_model() == REPO, "asked with each letter of a form"
    resolving._small.cache_clear()
    assert api.default_model() == "demo"
    monkeypatch.setenv("AIM_DEFAULT_MODEL", "Org/Ours")
    assert api.default_model() == "Org/Ours"


def test_the_shipped_table_names_models_of_the_catalogue() -> None:
    table = packages._table()
    assert len(table) >= 2
    for repo, package in table.items():
        assert repo in {model.name for model in api.known_models()}
        assert all(len(one.sha256) == 64 for one in (package, *package.tools))
        assert json.dumps(package.said).isascii()
