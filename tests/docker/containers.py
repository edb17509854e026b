"""Containers without docker: an image's root and settings, run by runc in their own namespaces.

As docker runs it: a pid namespace, docker's capabilities, no network but a loopback of its own,
limits by cgroup. Read-only root, user and volumes as each test wants them.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.docker import images
from tests.docker.images import IMAGE, Store
from tests.waiting import until

#: What docker leaves to a container's root.
_CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
        *("NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP"),
    )
]


class Wish(NamedTuple):
    """How a container is started: what of docker's flags the tests need.

    Attributes
    ----------
    user : tuple of int or None
        ``--user UID:GID``; the image's own where None.
    tmpfs, volumes : sequence
        Folders, and pairs of a folder of the host and where it is mounted.
    cores, memory_bytes : int or None
        ``--cpus`` and ``--memory``.
    """

    words: Sequence[str] = ()
    user: tuple[int, int] | None = None
    read_only: bool = False
    tmpfs: Sequence[str] = ()
    volumes: Sequence[tuple[Path, str]] = ()
    environ: Mapping[str, str] = {}
    cores: int | None = None
    memory_bytes: int | None = None


class Container:
    """A container that runs.

    Parameters
    ----------
    name : str
        runc's.
    process : subprocess.Popen
        Of ``runc run``, which hands signals on and ends with the container.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text()

    def state(self) -> dict[str, Any]:
        """Return what runc knows of it, nothing where it is gone."""
        done = _runc("state", self.name)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def exec(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run something beside it, as ``docker exec`` does."""
        return _runc("exec", self.name, *words)

    def said(self, *words: str) -> str:
        """Return what `exec` prints."""
        done = self.exec(*words)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.log}"
        return done.stdout.strip()

    def ask(self, code: str, *words: str) -> str:
        """Run Python of the test's own environment in its network: a client from outside."""
        python = [sys.executable, "-c", code, *words]
        argv = ["nsenter", f"--net=/proc/{self.state()['pid']}/ns/net", *python]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{done.stderr}\n{self.log}"
        return done.stdout.strip()

    def pids(self) -> list[int]:
        """Return the host's numbers of all its processes."""
        done = _runc("ps", "--format", "json", self.name)
        return list(json.loads(done.stdout) or []) if done.returncode == 0 else []

    def wait(self, limit_s: float = 60) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(limit_s)


@contextlib.contextmanager
def started(store: Store, folder: Path, wish: Wish) -> Iterator[Container]:
    """Start a container of the image, and leave nothing of it."""
    name = f"aim-{uuid.uuid4().hex[:8]}"
    made = store.said("from", IMAGE)
    root = Path(store.said("mount", made))
    bundle = folder / name
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps(_config(store, root, wish)))
    log = bundle / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["runc", "run", "--bundle", bundle, name],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Container(name, process, log)
    try:
        until(lambda: process.poll() is not None or running.state().get("status") == "running")
        yield running
    finally:
        _runc("kill", "--all", name, "KILL")
        process.wait(60)
        _runc("delete", "--force", name)
        store.buildah("umount", made)
        store.buildah("rm", made)


def ran(store: Store, folder: Path, wish: Wish) -> tuple[int, str]:
    """Run a container to its end and return its exit code and what it printed."""
    with started(store, folder, wish) as container:
        return container.wait(), container.log


def _config(store: Store, root: Path, wish: Wish) -> dict[str, Any]:
    image = store.config()
    plain = subprocess.run(["runc", "spec", "--bundle", root], capture_output=True, check=False)
    assert plain.returncode == 0, plain.stderr
    written = root / "config.json"
    config: dict[str, Any] = json.loads(written.read_text())
    written.unlink()
    uid, gid = wish.user if wish.user is not None else (_uid(image), _gid(root, _uid(image)))
    environ = dict(pair.split("=", 1) for pair in image["Env"]) | dict(wish.environ)
    config["process"] |= {
        "terminal": False,
        "args": [*image["Entrypoint"], *(wish.words or image["Cmd"])],
        "env": [f"{name}={value}" for name, value in environ.items()],
        "cwd": image["WorkingDir"],
        "user": {"uid": uid, "gid": gid},
        "capabilities": dict.fromkeys(
            ("bounding", "permitted", "effective"), _CAPABILITIES if uid == 0 else []
        )
        | {"bounding": _CAPABILITIES},
    }
    config["root"] = {"path": str(root), "readonly": wish.read_only}
    binds = [(store.packages, images.ENGINE, "ro")]
    binds += [(host, place, "rw") for host, place in wish.volumes]
    config["mounts"] += [
        {"destination": place, "type": "bind", "source": str(host), "options": ["bind", mode]}
        for host, place, mode in binds
    ]
    config["mounts"] += [
        {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}
        for place in wish.tmpfs
    ]
    config["linux"]["resources"] |= _limits(wish)
    return config


def _limits(wish: Wish) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if wish.cores is not None:
        limits["cpu"] = {"quota": 100_000 * wish.cores, "period": 100_000}
    if wish.memory_bytes is not None:
        limits["memory"] = {"limit": wish.memory_bytes}
    return limits


def _uid(image: dict[str, Any]) -> int:
    """Return the image's user, which has to be a number: Kubernetes knows no names."""
    return int(image["User"])


def _gid(root: Path, uid: int) -> int:
    lines = [line.split(":") for line in (root / "etc/passwd").read_text().splitlines()]
    return next(int(line[3]) for line in lines if int(line[2]) == uid)


def _runc(*words: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        ["runc", *words], capture_output=True, text=True, check=False, env=environ, timeout=120
    )
