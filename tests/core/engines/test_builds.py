"""Folders that environments are built in: shown in one step, removed unless in use."""

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
