"""What engines compile is kept by engine version, unless the user says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import api, config
from aim_jupyter.core.cache import compiled
from aim_jupyter.core.serving import host_environment


def test_each_engine_version_has_folders_of_its_own_below_the_cache() -> None:
    old, new = (compiled.environment("vllm", version, {}) for version in ("0.31.0", "0.32.0+cpu"))
    root = config.compile_cache_dir()
    assert root.is_relative_to(Path.home())
    assert old["TORCHINDUCTOR_CACHE_DIR"] == str(root / "vllm-0.31.0" / "inductor")
    assert new["TRITON_CACHE_DIR"] == str(root / "vllm-0.32.0+cpu" / "triton")


def test_what_the_user_has_set_holds() -> None:
    inherited = {"TORCHINDUCTOR_CACHE_DIR": "/scratch/inductor", "TRITON_CACHE_DIR": ""}
    found = host_environment("vllm", "0.32.0", inherited)
    assert found["TORCHINDUCTOR_CACHE_DIR"] == "/scratch/inductor"
    assert found["TRITON_CACHE_DIR"] == str(config.compile_cache_dir() / "vllm-0.32.0" / "triton")


def test_the_stats_show_what_there_is_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_COMPILE_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.setenv("VLLM_CACHE_ROOT", str(tmp_path / "vllm"))
    assert api.cache_stats().compiled == ()
    for name, size in (("compiled/vllm-0.32.0/inductor/a", 3), ("vllm/modelinfos/b.json", 5)):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * size)
    (tmp_path / "compiled" / "vllm-0.31.0").mkdir()
    found = [(Path(one.path).name, one.size_bytes) for one in api.cache_stats().compiled]
    assert found == [("vllm-0.32.0", 3), ("modelinfos", 5)]
