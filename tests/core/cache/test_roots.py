"""Where models are looked for, and in which order."""

from pathlib import Path

import pytest

from aim_jupyter.core.cache.roots import Root, folder_name, roots

_VARIABLES = ("AIM_CACHE_DIR", "AIM_CACHE_PATH", "AIM_SHARED_CACHE_DIR", "HF_HUB_CACHE", "HF_HOME")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_aims_own_comes_first_and_shared_ones_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIM_CACHE_PATH", str(tmp_path / "aim"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("AIM_SHARED_CACHE_DIR", f"{tmp_path}/site:{tmp_path}/own")
    assert roots() == [
        Root(tmp_path / "aim"),
        Root(tmp_path / "aim/hub"),
        Root(tmp_path / "own"),
        Root(tmp_path / "site", shared=True),
    ]


def test_one_folder_under_two_names_is_looked_into_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "own")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("AIM_SHARED_CACHE_DIR", str(tmp_path / "link"))
    assert roots() == [Root(tmp_path / "own")]


def test_folders_are_called_as_the_hub_does() -> None:
    assert folder_name("demo") == "models--demo"
    assert folder_name("a/b", "dataset") == "datasets--a--b"
