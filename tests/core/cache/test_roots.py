"""Where models are looked for, and in which order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.cache.locating import locate
from aim_jupyter.core.cache.roots import Root, folder_name, repo_name, roots
from aim_jupyter.core.cache.store import is_plain
from tests.hub import model_files

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


@given(
    st.one_of(
        st.from_regex(r"[A-Za-z0-9][\w.]{0,9}/[A-Za-z0-9][\w.]{0,9}", fullmatch=True),
        st.from_regex(
            r"(s3|https|modelscope)://[\w.:-]{1,20}(/[\w.%@+-]{1,9}){0,5}", fullmatch=True
        ),
    )
)
def test_a_folder_tells_what_it_is_of(repo: str) -> None:
    folder = folder_name(repo)
    assert is_plain(folder)
    assert repo_name(folder.removeprefix("models--")) == repo


def test_what_modelscope_has_downloaded_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MODELSCOPE_CACHE", raising=False)
    folder = tmp_path / ".cache/modelscope/hub/models"
    (folder / "Org/Model-1___5").mkdir(parents=True)
    assert roots()[-1] == Root(folder, shared=True)
    for name, data in model_files().items():
        if "/" not in name:
            (folder / "Org/Model-1___5" / name).write_bytes(data)
    assert locate("Org/Model-1.5").complete
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "elsewhere"))
    assert roots()[-1].path != folder
