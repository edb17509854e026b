"""What Binder would build: repo2docker reads the files, and the quickstart runs as they install it.

The image itself needs docker. What is in it does not: the same files, the same commands, an empty
environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aim_jupyter.core.serving.process import memory_bytes
from tests.conftest import AMBIENT_DATA_DIR, AMBIENT_DATA_HOME

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"
#: What the smallest Binder gives to a notebook server and all that it starts.
MOST_BYTES = 2_000_000_000


def test_repo2docker_reads_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    buildpacks = pytest.importorskip("repo2docker.buildpacks")
    monkeypatch.chdir(ROOT)
    pack = buildpacks.PythonBuildPack("docker.io/library/buildpack-deps:jammy")
    pack.platform = "linux/amd64"
    assert pack.detect()
    assert pack.python_version == "3.11"
    dockerfile = pack.render({})
    # The checkout has to be there before it can be installed from.
    copied = dockerfile.index("COPY --chown=")
    installed = dockerfile.index('install --no-cache-dir -r "binder/requirements.txt"')
    assert copied < installed < dockerfile.index("./binder/postBuild")
    assert os.access(BINDER / "postBuild", os.X_OK)


@pytest.mark.engine
@pytest.mark.ordeal
@pytest.mark.timeout(900)
def test_the_quickstart_runs_in_what_the_files_install(tmp_path: Path) -> None:
    home = tmp_path / "binder"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    environment = {
        **os.environ,
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        # The engine that CI has installed already: making it again would be another test.
        "AIM_DATA_DIR": AMBIENT_DATA_DIR or str(AMBIENT_DATA_HOME / "aim_jupyter"),
        "AIM_STATE_DIR": str(tmp_path / "binder-state"),
    }
    pip = f"{home}/bin/pip install --quiet --no-cache-dir -r binder/requirements.txt"
    subprocess.run(pip.split(), cwd=ROOT, env=environment, check=True)
    subprocess.run([BINDER / "postBuild"], cwd=ROOT, env=environment, check=True)

    began = time.monotonic()
    argv = [home / "bin/python", ROOT / "notebooks/run.py", ROOT / "notebooks/quickstart.ipynb"]
    run = subprocess.Popen([*argv, tmp_path / "quickstart.html"], cwd=tmp_path, env=environment)
    most = 0
    while run.poll() is None:
        most = max(most, memory_bytes(processes(environment["AIM_STATE_DIR"])) or 0)
        time.sleep(0.25)
    report = f"quickstart: {time.monotonic() - began:.0f} s, at most {most / 1e6:,.0f} MB PSS\n"
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build/binder.txt").write_text(report)
    assert run.returncode == 0
    assert 0 < most < MOST_BYTES


def processes(state: str) -> list[int]:
    """Return the processes that have this state folder: runner, kernel, supervisor, engine."""
    wanted = f"AIM_STATE_DIR={state}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue  # gone since, or somebody else's
    return found
