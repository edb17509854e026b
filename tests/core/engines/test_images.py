"""Images as engine environments: found, asked once, listed; and what is wrong told in two lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import engines
from aim_jupyter.core.engines import images
from aim_jupyter.core.errors import BadUsage, NoEngine
from tests import boxes
from tests.boxes import Docker

from .conftest import MakeEngine

NAME = "container:own/engine:1"


@pytest.fixture
def docker(engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Docker]:
    """Put a docker on the path that has one image with the stub engine."""
    made = boxes.docker(tmp_path / "docker", engine())
    made.add("own/engine:1")
    monkeypatch.setenv("PATH", boxes.path_with(made))
    yield made
    boxes.end(made)


def test_an_image_is_asked_once_and_then_listed(docker: Docker) -> None:
    assert not any(environment.image for environment in engines.find())
    found = engines.choose(NAME)
    assert (found.name, found.source, found.python) == (NAME, "image", "python3")
    assert (found.engine, found.version, found.platform) == ("vllm", "0.32.0", "cpu")
    assert found.image is not None
    assert found.image.id == "0123456789abcdef"
    (asked,) = docker.runs()
    assert asked[asked.index("--network") + 1] == "none"
    assert engines.choose(NAME) == found
    assert engines.find()[-1] == found
    assert len(docker.runs()) == 1
    assert docker.boxes() == {}


def test_another_image_under_the_name_is_asked_anew(docker: Docker) -> None:
    engines.choose(NAME)
    docker.add("own/engine:1", "fedcba9876543210")
    found = engines.choose(NAME)
    assert found.image is not None
    assert found.image.id == "fedcba9876543210"
    assert len(docker.runs()) == 2


def test_it_is_chosen_by_name_alone(docker: Docker) -> None:
    engines.choose(NAME)
    with pytest.raises(NoEngine):
        engines.choose(platform="cpu")


def test_one_that_is_gone_is_listed_with_the_reason(docker: Docker) -> None:
    engines.choose(NAME)
    (docker.place / "images.json").write_text("{}")
    listed = engines.find()[-1]
    assert (listed.name, listed.usable) == (NAME, False)
    assert listed.reason == "There is no image own/engine:1 on this machine"


def test_an_unknown_image_is_told_with_how_to_get_it(docker: Docker) -> None:
    with pytest.raises(NoEngine) as raised:
        engines.choose("container:own/none")
    assert raised.value.lines == [
        "NoEngine: There is no image own/none on this machine.",
        "Try: docker pull own/none",
    ]


def test_no_image_at_all_is_told() -> None:
    with pytest.raises(BadUsage, match="container: is followed by no image"):
        engines.choose("container:")


def test_an_image_without_an_engine_is_told(docker: Docker, engine: MakeEngine) -> None:
    inside = docker.place / "inside/python3"
    bare = engine(docker.place / "bare", packages=docker.place)
    inside.unlink()
    inside.symlink_to(bare)
    with pytest.raises(NoEngine) as raised:
        engines.choose(NAME)
    assert raised.value.lines == [
        f"NoEngine: The engine {NAME} is not usable: no engine is installed here.",
        "To do: an image with an engine beside its python3, such as vllm/vllm-openai-rocm",
    ]


def test_a_docker_without_root_is_refused(docker: Docker) -> None:
    (docker.place / "security.json").write_text('["name=seccomp","name=rootless"]')
    with pytest.raises(NoEngine, match="docker runs without root here") as raised:
        engines.choose(NAME)
    assert "podman" in raised.value.hint


def test_podman_is_asked_where_docker_can_not(docker: Docker) -> None:
    programs = docker.place / "programs"
    (programs / "docker").rename(programs / "podman")
    (docker.place / "security.json").write_text("true")
    refusing = programs / "docker"
    refusing.write_text(
        "#!/bin/sh\n"
        "echo 'Cannot connect to the Docker daemon at unix:///run/docker.sock."
        " Is the docker daemon running?' >&2\nexit 1\n"
    )
    refusing.chmod(0o755)
    found = images.find("own/engine:1")
    assert (found.program, found.rootless) == ("podman", True)
    # Neither has it: that an image is missing says more than that a daemon does not run.
    with pytest.raises(NoEngine, match="There is no image own/none"):
        images.find("own/none")
    (programs / "podman").unlink()
    with pytest.raises(NoEngine, match="docker's daemon does not run"):
        images.find("own/engine:1")


def test_an_answer_that_does_not_come_leaves_no_container(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = docker.place / "inside/python3"
    inside.unlink()
    inside.write_text("#!/bin/sh\necho 'cannot open shared object file' >&2\nexit 3\n")
    inside.chmod(0o755)
    with pytest.raises(NoEngine, match="docker failed: cannot open shared object file"):
        engines.choose(NAME)
    assert docker.boxes() == {}
