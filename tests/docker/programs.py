"""Docker and podman as a user has them, on images of a `Store`: nothing of this machine's own.

Podman is Debian's, with its storage in the store: ``CONTAINERS_STORAGE_CONF`` says so. For docker a
daemon is started that has a socket and a folder of its own and no network, which needs none of the
machine's firewall. What differs from a user's: the engine's packages are mounted at `ENGINE` (they
are not in the base, see `images`): podman does so for each container by its settings, before docker
stands a script that adds one ``--volume`` to ``docker run``. Runc takes the place of crun, which
does not know the mixed control groups of this machine, and the limits of files and processes are
those that this machine's root may set.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.images import BASE, ENGINE, Store
from tests.waiting import until

#: What the image is called in the words of a user.
NAME = f"container:{BASE}"


def lacking(program: str) -> str:
    """Return what has to be installed for a program, empty where it is there."""
    wanted = {"podman": ("podman", "conmon"), "docker": ("docker", "dockerd", "containerd")}
    missing = [each for each in wanted[program] if shutil.which(each) is None]
    package = "podman" if program == "podman" else "docker.io"
    return f"{', '.join(missing)} not installed: apt-get install {package}" if missing else ""


@contextlib.contextmanager
def podman(store: Store, folder: Path) -> Iterator[dict[str, str]]:
    """Yield the variables with which podman has the images of the store."""
    storage, settings = folder / "storage.conf", folder / "containers.conf"
    root, run = store.folder / "root", store.folder / "run"
    storage.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{root}"\nrunroot = "{run}"\n')
    settings.write_text(
        "[containers]\n"
        'default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]\n'
        f'volumes = ["{store.packages}:{ENGINE}:ro"]\n'
        "[engine]\n"
        'runtime = "runc"\n'
    )
    environ = {
        "PATH": _path(folder, "podman"),
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_CONF": str(settings),
    }
    _try("podman", environ)
    yield environ


@contextlib.contextmanager
def docker(store: Store, folder: Path) -> Iterator[dict[str, str]]:
    """Start a daemon with the base, and yield the variables with which docker asks it."""
    home = store.folder / "docker"
    socket = f"unix://{home}/socket"
    argv = [
        *("dockerd", f"--data-root={home}/data", f"--exec-root={home}/exec"),
        *(f"--pidfile={home}/pid", "-H", socket, "--bridge=none", "--iptables=false"),
    ]
    home.mkdir()
    with (home / "log").open("wb") as log:
        daemon = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT)
    try:
        asked = {**os.environ, "DOCKER_HOST": socket}
        until(lambda: _answers(asked) or daemon.poll() is not None, 60)
        if daemon.poll() is not None:
            last = (home / "log").read_text().strip().splitlines()[-1]
            pytest.skip(f"docker's daemon does not start here: {last}")
        archive = store.folder / "base-of-docker.tar"
        store.buildah("push", "-q", BASE, f"docker-archive:{archive}:{BASE}:latest")
        subprocess.run(["docker", "load", "-q", "-i", archive], env=asked, check=True)
        archive.unlink()
        path = _path(folder, "docker", f"--volume={store.packages}:{ENGINE}:ro")
        environ = {"PATH": path, "DOCKER_HOST": socket}
        _try("docker", environ)
        yield environ
    finally:
        daemon.terminate()
        daemon.wait(60)
        # It leaves its own network's name, and more where it was killed.
        for mounted in reversed(_mounts(home)):
            subprocess.run(["umount", mounted], capture_output=True, check=False)


def _try(program: str, environ: dict[str, str]) -> None:
    """Skip, with the reason, where a program can't run the least on this machine."""
    argv = [program, "run", "--rm", "--network", "host", BASE, "true"]
    done = subprocess.run(
        argv, env={**os.environ, **environ}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = next(line for line in done.stderr.splitlines() if "rror" in line)
        pytest.skip(f"{program} can't run a container here: {said}")


def _mounts(folder: Path) -> list[str]:
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [place for place in places if Path(place).is_relative_to(folder)]


def _answers(environ: dict[str, str]) -> bool:
    done = subprocess.run(["docker", "version"], env=environ, capture_output=True, check=False)
    return done.returncode == 0


def _path(folder: Path, program: str, *added: str) -> str:
    """Return a path on which a program stands, with words added to ``run``, and not the other."""
    place = folder / "programs"
    place.mkdir()
    for name in os.environ["PATH"].split(os.pathsep):
        for file in Path(name).glob("*"):
            if file.name not in ("docker", "podman") and not (place / file.name).exists():
                (place / file.name).symlink_to(file)
    real = shutil.which(program)
    script = place / program
    script.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = run ]; then shift; set -- run {" ".join(added)} "$@"; fi\n'
        f'exec {real} "$@"\n'
    )
    script.chmod(0o755)
    return str(place)
