"""What Binder would build: repo2docker reads the files, and the quickstart runs as they install it.

The image itself needs docker. What is in it does not: the same files, the same commands, an empty
environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from aim_jupyter.core.serving.state.process import memory_bytes
from tests.conftest import AMBIENT_DATA_DIR, AMBIENT_DATA_HOME
from tests.waiting import until

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
    most: dict[str, int] = {}
    with lab(home, tmp_path, environment) as poll:
        run = subprocess.Popen([*argv, tmp_path / "quickstart.html"], cwd=tmp_path, env=environment)
        while run.poll() is None:
            poll()
            now = memory(environment["AIM_STATE_DIR"])
            most = max(most, now, key=lambda each: sum(each.values()))
            time.sleep(0.25)
    total = sum(most.values())
    parts = ", ".join(f"{name} {size / 1e6:,.0f}" for name, size in sorted(most.items()))
    took = time.monotonic() - began
    report = f"quickstart: {took:.0f} s, at most {total / 1e6:,.0f} MB PSS: {parts}"
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build/binder.txt").write_text(f"{report}\n")
    assert run.returncode == 0
    assert {"lab", "kernel", "engine"} <= set(most)
    assert 0 < total < MOST_BYTES


@contextlib.contextmanager
def lab(home: Path, folder: Path, environment: dict[str, str]) -> Iterator[Callable[[], object]]:
    """Run the JupyterLab of `home`; what is yielded asks it what a sidebar asks."""
    runtime = folder / "runtime"
    given = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "ServerApp.root_dir": str(folder),
        "IdentityProvider.token": "only-for-tests",
    }
    options = [f"--{name}={value}" for name, value in given.items()]
    process = subprocess.Popen(
        [home / "bin/jupyter", "lab", "--no-browser", "--allow-root", *options],
        env={**environment, "JUPYTER_RUNTIME_DIR": str(runtime)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: any(runtime.glob("jpserver-*.json")), 90)
        told = next(runtime.glob("jpserver-*.json"))
        until(lambda: told.read_text().endswith("}"))
        url = json.loads(told.read_text())["url"]
        headers = {"Authorization": "token only-for-tests"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            yield lambda: client.get("aim/status").raise_for_status()
    finally:
        process.terminate()
        process.wait(30)


#: By a word of their command lines; the first that is there says what a process is.
KINDS = {
    "lab": ("jupyter-lab", "jupyterlab", "bin/jupyter"),
    "kernel": ("ipykernel",),
    "supervisor and keeper": ("aim_jupyter.core.serving",),
    "runner": ("notebooks/run.py",),
}


def memory(state: str) -> dict[str, int]:
    """Return what each kind of process takes, in bytes; all that is of no other kind is engine."""
    kinds: dict[str, list[int]] = {}
    for pid in processes(state):
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            found = (name for name, words in KINDS.items() if any(word in line for word in words))
            kinds.setdefault(next(found, "engine"), []).append(pid)
    return {name: memory_bytes(pids) or 0 for name, pids in kinds.items()}


def processes(state: str) -> list[int]:
    """Return the processes that have this state folder: Lab, kernel, supervisor, engine, runner."""
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
