"""A place that runs its jobs on this machine, as another package would bring one.

What it says of a job can be told: that it waits, that its node was lost. What stands for a real one
is tried in tests/slurm.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.places import registry
from aim_jupyter.core.places.place import Notice, Order, Place
from aim_jupyter.core.records import Check, Job, Partition
from aim_jupyter.core.serving.state.process import alive, identify

ROOT = Path(__file__).parents[3]
_FOLDER = "STANDIN_FOLDER"


class Standin(Place):
    """Jobs are files of a folder, and processes of this machine."""

    name = "standin"
    title = "Stand-in"

    @staticmethod
    def here() -> bool:
        return _FOLDER in os.environ

    @staticmethod
    def inside() -> str:
        return os.environ.get("STANDIN_JOB", "")

    def partitions(self) -> list[Partition]:
        _answer()
        return [
            Partition(name="cpu", state="free", default=True, nodes=1),
            Partition(name="gpu", state="busy", gpu="mi300x", nodes=2, gpus_per_node=4),
            Partition(name="odd", state="down", gpu="tpu", nodes=1, gpus_per_node=4),
        ]

    def submit(self, order: Order) -> Job:
        _answer()
        if (_folder() / "refuse").exists():
            raise SiteError("standin: no such account")
        number = str(len(list(_folder().glob("*.job"))) + 1)
        waits = (_folder() / "hold").exists()
        note(number, script=self.script(order), log=str(order.log), state="queued")
        if not waits:
            begin(number)
        return Job(site=self.site.name, id=number, at=time.time())

    def join(self, order: Order, job: str) -> Job:
        begun = self.submit(order)
        assert job
        return begun

    def script(self, order: Order) -> str:
        words = (f"export {name}='{value}'" for name, value in order.env.items())
        return "\n".join([*words, "exec " + " ".join(order.command)])

    def jobs(self) -> list[Job]:
        _answer()
        return [_told(path.stem, self.site.name) for path in sorted(_folder().glob("*.job"))]

    def look(self, job: Job) -> Job:
        return Job(site=job.site, id=job.id, state="ended", at=time.time())

    def end(self, job: Job) -> None:
        said = _said(job.id)
        if said["state"] == "queued":
            note(job.id, state="ended", cause="it was cancelled")
        elif said["state"] == "running":
            note(job.id, cause="it was cancelled")
            with contextlib.suppress(ProcessLookupError):
                os.kill(said["pid"], signal.SIGTERM)

    def way(self, job: Job) -> Sequence[str]:
        return ["nice", "-n", "0"]

    def own(self) -> Job | None:
        number = self.inside()
        return _told(number, self.site.name) if number else None

    def notice(self, job: Job) -> Notice:
        return Notice(why=_said(job.id).get("cause") or "time limit", left_s=5.0)

    def check(self) -> list[Check]:
        return [Check(name="controller", good=True, found="it is here")]


def note(number: str, **facts: Any) -> None:
    """Have it say this of a job."""
    path = _folder() / f"{number}.job"
    known = json.loads(path.read_text()) if path.exists() else {}
    new = path.with_suffix(".new")
    new.write_text(json.dumps({**known, **facts}))
    new.rename(path)


def begin(number: str) -> None:
    """Start the job, as if it had waited for its turn."""
    said = _said(number)
    with Path(said["log"]).open("ab") as log:
        child = subprocess.Popen(
            ["sh", "-c", said["script"]],
            env={**os.environ, "STANDIN_JOB": number, "SLURMD_NODENAME": "elsewhere"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _children.append(child)
    note(number, state="running", pid=child.pid, node="elsewhere")


def lose(number: str) -> None:
    """Have its node fail, with all that was on it."""
    note(number, state="ended", cause="its node failed", ends_at=time.time() - 60)


_children: list[subprocess.Popen[bytes]] = []


def _told(number: str, site: str) -> Job:
    said = _said(number)
    state = said["state"]
    if state == "running" and "pid" in said:
        for child in _children:
            child.poll()
        state = "running" if alive(identify(said["pid"])) else "ended"
    known = {name: said[name] for name in ("reason", "cause", "node", "ends_at") if name in said}
    return Job(site=site, id=number, state=state, at=time.time(), **known)


def _said(number: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((_folder() / f"{number}.job").read_text())
    return said


def _folder() -> Path:
    return Path(os.environ[_FOLDER])


def _answer() -> None:
    if (_folder() / "silent").exists():
        raise SiteError("standin did not answer.")


def installed(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Install it for this process and for those that it starts; return its folder."""
    info = folder / "packages/standin-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: standin\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[aim_jupyter.places]\nstandin = tests.core.places.standin:Standin\n"
    )
    place = folder / "standin"
    place.mkdir()
    patch.setenv(_FOLDER, str(place))
    patch.setenv("PYTHONPATH", f"{info.parent}:{ROOT}")
    patch.syspath_prepend(str(info.parent))
    registry.of.cache_clear()
    return place
