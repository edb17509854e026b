"""What a container was given: cache, home, user, processor, and what of them is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api
from aim_jupyter.core.doctor import container
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import Check, Cpu, Gpu, Machine

CORES = len(os.sched_getaffinity(0))
NOTHING = Machine(host="h", cpu=Cpu(cores=CORES))


@pytest.fixture
def given(isolated: Path) -> dict[str, str]:
    """Return the variables of the image, with a home and a cache that can be written."""
    return {
        "HOME": str(isolated / "home"),
        "AIM_CACHE_DIR": str(isolated / "cache"),
        "HF_HOME": str(isolated / "cache"),
        "TRANSFORMERS_CACHE": str(isolated / "cache"),
    }


def bad(place: container.Place) -> list[Check]:
    return [check for check in place.checks if not check.good]


def test_what_is_right_is_left_alone(given: dict[str, str]) -> None:
    place = container.look(NOTHING, given)
    assert place.variables == {}
    assert bad(place) == []


@pytest.fixture
def closed(isolated: Path) -> str:
    """Return a folder that not even root can make."""
    (isolated / "file").touch()
    return str(isolated / "file/below")


@pytest.mark.parametrize("home", ["/", "", None])
def test_a_home_that_cannot_be_written_is_replaced(
    given: dict[str, str], closed: str, home: str | None
) -> None:
    place = container.look(NOTHING, given | {"HOME": closed if home is None else home})
    assert place.variables["HOME"] == f"/tmp/aim-home-{os.getuid()}"
    (check,) = bad(place)
    assert check.name == "home"
    assert "--tmpfs" in check.fix


def test_a_cache_that_can_only_be_read_is_read(given: dict[str, str], closed: str) -> None:
    given |= {"AIM_CACHE_DIR": closed, "AIM_SHARED_CACHE_DIR": "/data"}
    place = container.look(NOTHING, given)
    own = f"{given['HOME']}/.cache/aim-models"
    assert place.variables == {
        "AIM_CACHE_DIR": own,
        "HF_HOME": own,
        "TRANSFORMERS_CACHE": own,
        "AIM_SHARED_CACHE_DIR": f"/data:{closed}",
    }
    (check,) = bad(place)
    assert check.name == "cache"
    assert "mount a volume" in check.fix


def test_a_user_without_a_name_gets_one(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 123_456)
    assert container.look(NOTHING, given).variables == {
        "USER": "aim-engine",
        "LOGNAME": "aim-engine",
    }


@pytest.mark.skipif(CORES < 2, reason="no fraction of one core")
def test_fewer_cores_than_the_host_has_hold_an_engine_on_the_cpu(given: dict[str, str]) -> None:
    machine = replace(NOTHING, cpu=Cpu(cores=CORES - 1))
    told = container.look(machine, given).variables
    assert told == {"OMP_NUM_THREADS": str(CORES - 1), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    assert container.look(machine, given | {"OMP_NUM_THREADS": "7"}).variables == {}
    gpu = replace(machine, gpus=(Gpu(usable=True, state="free"),))
    assert container.look(gpu, given).variables == {}


def test_little_shared_memory_matters_to_several_gpus(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(container, "_LITTLE_SHM_BYTES", 1 << 60)
    one = Gpu(usable=True, state="free")
    names = [check.name for check in bad(container.look(replace(NOTHING, gpus=(one,)), given))]
    assert "shared memory" not in names
    several = bad(container.look(replace(NOTHING, gpus=(one, one)), given))
    (check,) = [check for check in several if check.name == "shared memory"]
    assert "--ipc=host" in check.fix
    monkeypatch.setattr(container, "_SHARED", tmp_path / "none")
    container.look(replace(NOTHING, gpus=(one, one)), given)


def test_nothing_starts_without_temporary_files(
    given: dict[str, str], closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "_TEMPORARY", Path(closed))
    with pytest.raises(StateUnusable, match="can't be written") as raised:
        container.look(NOTHING, given)
    assert f"--tmpfs {closed}" in raised.value.hint


def test_the_cache_has_the_layout_and_mode_of_the_seed(isolated: Path) -> None:
    before = os.umask(0o077)
    try:
        container.prepare_cache()
    finally:
        os.umask(before)
    cache = isolated / "cache"
    names = {"", "models", "tokenizers", "configs", "datasets"}
    assert {(cache / name).stat().st_mode & 0o7777 for name in names} == {0o755}
    (cache / "models/kept").write_text("x")
    container.prepare_cache((os.getuid(), os.getgid()))
    assert (cache / "models/kept").read_text() == "x"
    assert api.models_on_disk() == []


def test_a_cache_that_cannot_be_made_is_told(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_CACHE_DIR", closed)
    with pytest.raises(StateUnusable, match="can't be prepared"):
        container.prepare_cache()


def test_the_groups_of_the_devices_are_found(isolated: Path) -> None:
    assert container.device_groups() == []
    for name in ("dev/kfd", "dev/dri/renderD128", "dev/dri/card0"):
        path = isolated / "machine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    if os.getuid() == 0:
        for name, group in (("kfd", 44), ("dri/renderD128", 992), ("dri/card0", 39)):
            os.chown(isolated / "machine/dev" / name, 0, group)
        assert container.device_groups() == [44, 992]
