"""What can be said of the image's files without building it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.docker.images import DOCKERFILE, ROOT

README = (ROOT / "docker/README.md").read_text()


def test_the_dockerfile_passes_the_linter() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("hadolint is not installed: make setup")
    done = subprocess.run([program, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_is_what_its_specification_allows() -> None:
    """The schema is the specification's own, as check-jsonschema brings it along."""
    program = Path(sys.executable).with_name("check-jsonschema")
    if not program.exists():
        pytest.skip("check-jsonschema is not installed: make setup")
    file = str(ROOT / "docker/compose.yaml")
    argv = [str(program), "--builtin-schema", "vendor.compose-spec", file]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_names_no_registry_of_packages() -> None:
    assert "://" not in DOCKERFILE.read_text()
    assert "index-url" not in DOCKERFILE.read_text()


def test_the_context_has_the_requirements_of_the_project(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "docker"))
    try:
        import prepare  # noqa: PLC0415 - a script, in a folder that is no package
    finally:
        sys.path.pop(0)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    written = prepare.write_requirements(tmp_path)
    assert written.read_text().splitlines() == project["dependencies"]
    before = written.stat().st_mtime_ns
    prepare.write_requirements(tmp_path)
    assert written.stat().st_mtime_ns == before


def test_compose_gives_what_the_readme_asks_for() -> None:
    told = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    service = told["services"]["aim"]
    assert service["devices"] == ["/dev/kfd", "/dev/dri"]
    assert service["read_only"] is True
    assert service["ipc"] == "host"
    assert service["cap_drop"] == ["ALL"]
    assert service["command"] == ["lab"]
    assert "privileged" not in service
    assert not any("docker.sock" in volume for volume in service["volumes"])
    build = service["build"]
    folder = ROOT / "docker" / build["context"]
    assert (folder / build["dockerfile"]).resolve() == DOCKERFILE
    for flag in ("--device /dev/kfd --device /dev/dri", "--ipc=host", "seccomp=unconfined"):
        assert flag in README
