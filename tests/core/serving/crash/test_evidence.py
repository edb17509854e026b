"""What the machine itself says about a crash."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from aim_jupyter.core import gpus
from aim_jupyter.core.records import Check, Gpu, Machine
from aim_jupyter.core.serving.crash import crash, evidence
from aim_jupyter.core.serving.crash.evidence import Memory, Words
from aim_jupyter.core.serving.start import ports
from aim_jupyter.core.sizes import GIB
from tests.core.serving.state.test_starts import PLAN


class Use(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A control group of ours, as the kernel's files show it."""
    root = tmp_path / "cgroup"
    (root / "user.slice/session").mkdir(parents=True)
    monkeypatch.setattr(evidence, "_CGROUP", root)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cgroup").write_text("5:memory:/\n0::/user.slice/session\n")
    monkeypatch.setattr(evidence, "_MEMBERSHIP", tmp_path / "proc/cgroup")
    monkeypatch.setattr(evidence, "_KMSG", tmp_path / "no-kmsg")
    return root


def test_a_kill_for_lack_of_memory_is_told_from_a_kill_by_somebody(groups: Path) -> None:
    events = groups / "user.slice/session/memory.events"
    events.write_text("low 0\noom 1\noom_kill 2\noom_group_kill 0\n")
    before = evidence.memory()
    assert before.kills == 2
    found = crash.explain(PLAN, Path("/nothing"), -9, "", before=before)
    assert found.cause.startswith("Somebody killed it: ")
    events.write_text("low 0\noom 1\noom_kill 3\noom_group_kill 0\n")
    (groups / "user.slice/session/memory.max").write_text(f"{24 * GIB}\n")
    found = crash.explain(PLAN, Path("/nothing"), -9, "", before=before)
    assert found.cause == (
        "The kernel ended it for lack of memory: the container or session may use 24.0 GiB."
    )


def test_the_older_kind_of_control_group_counts_as_well(groups: Path) -> None:
    (groups / "memory").mkdir()
    control = groups / "memory/memory.oom_control"
    control.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n")
    assert evidence.memory().kills == 7


def test_the_limit_may_be_that_of_a_group_above(groups: Path) -> None:
    (groups / "user.slice/memory.events").write_text("oom_kill 1\n")
    assert evidence.memory().kills == 1


def test_where_nothing_can_be_read_it_stays_likely(groups: Path) -> None:
    assert evidence.memory().kills is None
    found = crash.explain(PLAN, Path("/nothing"), -9, "", before=evidence.memory())
    assert found.cause.startswith("Likely the machine ran out of memory")


def test_the_kernel_names_whom_it_ended(groups: Path, tmp_path: Path) -> None:
    log = tmp_path / "no-kmsg"
    old = "6,1,1000000,-;Out of memory: Killed process 11 (old) total-vm:1kB\n"
    new = (
        "6,2,9000000,-;Memory cgroup out of memory: Killed process 42 (VLLM::Worker) total-vm:1kB\n"
    )
    log.write_text(old)
    before = Memory(kills=None, uptime_s=5.0)
    assert "memory_kill" not in _known(Words({}, PLAN, before), "memory_kill")
    log.write_text(new)
    assert Words({}, PLAN, before)["memory_kill"] == "it ended process 42 (VLLM::Worker)"


def test_a_full_disk_is_named_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage

    def usage(path: Any) -> Any:
        return Use(64 << 20, 64 << 20, 0) if str(path) == "/dev/shm" else real(path)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert Words({}, PLAN)["full_disk"].startswith("/dev/shm (64 MiB in all)")


def test_whose_process_has_the_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert ports.listener(port) is None, "bound is not listening"
        taken.listen()
        assert str(ports.listener(port)).endswith(f"'s process {os.getpid()}")
        assert Words({}, PLAN, port=port)["port_holder"] == ports.listener(port)
    assert ports.listener(port) is None


def gpu(index: int, **facts: Any) -> Gpu:
    common = {"model": "MI300X", "gfx": "gfx942", "vram_bytes": 192 * GIB, "usable": True}
    return Gpu(hip_index=index, **{"state": "free", **common, **facts})


def test_who_is_on_the_gpu_and_which_one_is_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    busy = gpu(5, state="busy", holder="chen", pid=51877, vram_used_bytes=int(61.3 * GIB))
    here = Machine(host="h", gpus=(gpu(3, model="MI210"), gpu(4), busy, gpu(6, usable=False)))
    monkeypatch.setattr(gpus, "machine", lambda: here)
    asked = ("Qwen/Qwen3-32B", "--users", "16", "--gpus", "5")
    plan = replace(PLAN, model=asked[0], gpus=(5,), gpu_model="MI300X", asked=asked)
    log = tmp_path / "log"
    log.write_text(
        "(Worker pid=9) ValueError: Free memory on device cuda:0 (130.4/191.98 GiB) on startup is "
        "less than desired GPU memory utilization (0.92, 176.62 GiB).\n"
    )
    found = crash.explain(plan, log, 1, "")
    assert found.what == "The engine found less free memory on GPU 5 than it needs."
    assert found.cause == "chen (pid 51877) on GPU 5 holds 61.3 GiB, without a lease."
    assert found.try_line == "%aim launch Qwen/Qwen3-32B --users 16 --gpus 4"
    assert found.try_change == "--gpus 4"
    assert found.try_reason == "GPU 4 is free"
    assert Words({}, replace(plan, gpus=(4, 5)))["arch"] == "gfx942"
    assert "free_gpus" not in _known(Words({}, replace(plan, gpus=(4, 5))), "free_gpus")


def test_the_group_that_is_missing_is_named_for_a_closed_driver(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = Check(
        name="kfd",
        good=False,
        found="ann is not in group render.",
        fix="sudo usermod -aG render ann",
    )
    monkeypatch.setattr(gpus, "findings", lambda _: [bad])
    log = tmp_path / "log"
    log.write_text("Unable to open /dev/kfd read-write: Permission denied\n")
    found = crash.explain(PLAN, log, 1, "")
    assert found.cause == "ann is not in group render."
    assert found.try_line == "sudo usermod -aG render ann"


def test_what_breaks_while_looking_is_only_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Machine:
        raise OSError("the tree is gone")

    monkeypatch.setattr(gpus, "machine", broken)
    of_plan = {"full_disk", "more_util", "less_util", "no_aiter"}
    assert _known(Words({}, PLAN), *evidence._LOOKS) <= of_plan


def _known(words: Words, *names: str) -> set[str]:
    found = set()
    for name in names:
        try:
            words[name]
        except KeyError:
            continue
        found.add(name)
    return found
