"""What the doctor finds, each with the command that mends it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, config
from aim_jupyter.core.doctor import diagnosis
from aim_jupyter.core.records import Check, Machine
from tests.conftest import FakeEngine
from tests.core.serving.crash.test_evidence import gpu
from tests.waiting import DEMO, launch_ready


def check(name: str) -> list[Check]:
    return [one for one in api.doctor() if one.name == name]


def test_a_machine_without_an_engine_is_told_how_to_get_one() -> None:
    (engine,) = check("engine")
    assert not engine.good
    assert engine.fix == "%aim engine install cpu"


def test_what_is_wrong_comes_first_and_says_what_to_do(fake: FakeEngine) -> None:
    fake()
    found = api.doctor()
    assert [one.good for one in found] == sorted(one.good for one in found)
    assert all(one.found for one in found)
    assert all(one.fix for one in found if not one.good)
    (engine,) = check("engine")
    assert engine.good
    assert engine.found.startswith("vLLM 0.32.0 for cpu")
    assert check("recipes")[0].good


def test_an_engine_for_the_cpu_does_not_do_on_a_machine_with_gpus(fake: FakeEngine) -> None:
    fake()
    here = Machine(host="h", gpus=(gpu(0, usable=True),))
    chosen, engine = diagnosis._engine(here)
    assert chosen is None, "nothing is to be installed into it"
    assert not engine.good
    assert "can't use the GPUs here" in engine.found
    assert engine.fix == "%aim engine install rocm"


def test_looking_makes_no_folder() -> None:
    api.doctor()
    for folder in (config.servers_dir(), config.data_dir(), config.model_cache_dir()):
        assert not folder.exists()


@pytest.mark.parametrize("name", ["state", "data", "cache"])
@pytest.mark.parametrize("where", ["/proc/nowhere/x", "{}/file/below"])
def test_a_folder_that_cannot_be_written_is_told(
    isolated: Path, monkeypatch: pytest.MonkeyPatch, name: str, where: str
) -> None:
    (isolated / "file").write_text("x")
    monkeypatch.setenv(f"AIM_{name.upper()}_DIR", where.format(isolated))
    (folder,) = check(f"{name} folder")
    assert not folder.good
    assert f"AIM_{name.upper()}_DIR" in folder.fix


def test_little_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "LITTLE_DISK_BYTES", 1 << 60)
    assert not check("state folder")[0].good


def test_a_server_without_its_key_is_told(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    assert check("server") == []
    os.unlink(folder.path / "key")  # noqa: PTH108
    (server,) = check("server")
    assert server.found.startswith("demo: its key file is gone")
    assert server.fix == "%aim stop demo"


def test_a_server_that_nobody_watches_is_told(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    folder = launch_ready(DEMO)
    record = folder.read()
    nobody = replace(record.supervisor, start=1) if record.supervisor else None
    folder.write(replace(record, supervisor=nobody))
    # Without its lock nobody can take charge of it either.
    (folder.path / "supervisor.lock").unlink()
    (server,) = check("server")
    assert "its supervisor is gone" in server.found
    folder.write(record)


def test_a_broken_record_and_a_broken_folder_are_findings() -> None:
    broken = config.servers_dir() / "broken"
    broken.mkdir(parents=True)
    (broken / "server.json").write_bytes(b"\xff")
    (server,) = check("server")
    assert "broken" in server.found
    (broken / "server.json").unlink()
    broken.rmdir()
    config.servers_dir().rmdir()
    config.servers_dir().write_text("not a folder")
    (servers,) = check("servers")
    assert not servers.good
    config.servers_dir().unlink()


def test_on_a_hub_it_says_what_the_culler_sees_and_what_ends_a_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert check("hub") == []
    monkeypatch.setenv("JUPYTERHUB_USER", "alice")
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "0,1")
    said = [one.found for one in check("hub")]
    assert "an engine that works by itself is no activity" in said[0]
    assert said[1] == "it gave GPUs: ROCR_VISIBLE_DEVICES=0,1"
    assert "outlive" in said[2] or "container" in said[2]
    monkeypatch.setenv("AIM_WITH_JUPYTER", "1")
    assert check("hub")[-1].found.startswith("servers end with this Jupyter server")
