"""What docker and podman say when they refuse, told in two lines."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import config
from aim_jupyter.core.engines import runtimes
from aim_jupyter.core.errors import NoEngine
from aim_jupyter.core.records import Image

SAID = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text())["said"]
DOCKER = Image(name="own/engine:1", id="0123", program="docker")
ROOTLESS = Image(name="own/engine:1", id="0123", program="podman", rootless=True)


@pytest.mark.parametrize("said", SAID, ids=[said["by"] for said in SAID])
def test_what_they_really_said_is_understood(
    said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "user", lambda: "somebody")
    error = runtimes.refusal(said["program"], said["text"])
    assert (error.found, error.hint) == (said["found"], said["hint"])


def test_without_both_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoEngine, match="docker or podman: neither is on the path") as raised:
        runtimes.here()
    assert "apt-get install podman" in raised.value.hint


def test_one_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    with pytest.raises(NoEngine, match=r"did not answer within 0\.2 s"):
        runtimes.ask(str(program), "info", limit_s=0.2)


def test_it_has_the_rights_of_the_user_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 1234)
    monkeypatch.setattr("os.getgid", lambda: 1235)
    words = " ".join(runtimes.confined(DOCKER))
    assert "--user 1234:1235 --cap-drop ALL --security-opt no-new-privileges" in words
    assert "--privileged" not in words
    # Rootless, root inside is this user outside.
    assert "--user 0:0" in " ".join(runtimes.confined(ROOTLESS))


def test_a_comma_in_a_path_stays_in_it() -> None:
    option, field = runtimes.mount(Path("/a,b"), "/c")
    assert (option, field) == ("--mount", 'type=bind,"source=/a,b",target=/c,readonly')


def test_devices_come_with_their_groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
    assert runtimes.devices(DOCKER) == []
    (tmp_path / "dev/dri").mkdir(parents=True)
    for name in ("kfd", "dri/renderD128", "dri/renderD129", "dri/card0"):
        (tmp_path / "dev" / name).touch()
    nodes = ["kfd", "dri/renderD128", "dri/renderD129"]
    given = [f"{tmp_path}/dev/{name}:/dev/{name}" for name in nodes]
    assert runtimes.devices(DOCKER)[1::2] == given
    assert runtimes.devices(DOCKER, [129])[1::2] == [given[0], given[2]]
    assert runtimes.devices(ROOTLESS)[-2:] == ["--group-add", "keep-groups"]


def test_groups_are_given_by_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
    (tmp_path / "dev/dri").mkdir(parents=True)
    for name in ("kfd", "dri/renderD128"):
        (tmp_path / "dev" / name).touch()
    mine = tmp_path.stat().st_gid
    wanted = ["--group-add", str(mine)] if mine else []
    assert runtimes.devices(DOCKER)[4:] == wanted
