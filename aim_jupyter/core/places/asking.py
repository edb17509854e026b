"""A place is asked once in a while for all: by one process of a user, whoever wants to know.

What it said lies in the state folder. Whoever finds it old asks again while others wait for that
answer; a place that is silent is left alone as long as one that has answered.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import config, credentials, files
from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.places import registry
from aim_jupyter.core.places.site import Site
from aim_jupyter.core.records import Job, Partition
from aim_jupyter.core.records.kinds import resolved

#: Seconds in which a place has to answer.
LIMIT_S = 10.0
#: Seconds that an answer holds: of jobs, and of what there is.
JOBS_S, PARTITIONS_S = 5.0, 30.0


class Told(Struct, frozen=True, kw_only=True):
    """What a place has said; `silent_since` where it did not answer when it was asked last."""

    asked_at: float = 0.0
    told_at: float = 0.0
    silent_since: float | None = None
    jobs: tuple[Job, ...] = ()
    partitions: tuple[Partition, ...] = ()


_TOLD = msgspec.json.Decoder(resolved(Told))


def run(
    argv: Sequence[str], *, text: str | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a command of a place and return what it says.

    Raises
    ------
    SiteError
        If it is not there, refuses with its own words, or is silent.
    """
    try:
        done = subprocess.run(
            argv,
            input=text,
            env={**environment(), **(env or {})},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        )
    except FileNotFoundError:
        raise SiteError(f"There is no {argv[0]} on this machine.", "%aim sites") from None
    except subprocess.TimeoutExpired:
        raise SiteError(f"{argv[0]} did not answer within {LIMIT_S:.0f} s.", "%aim sites") from None
    if done.returncode:
        raise SiteError(f"{argv[0]}: {_last(done.stderr)}", "%aim sites")
    return done.stdout


def environment() -> dict[str, str]:
    """Return ours without what is secret and what Slurm says of a job that we are in.

    Neither is a command's business, nor that of the job which it hands in.
    """
    kept = credentials.without(os.environ)
    return {
        name: value
        for name, value in kept.items()
        if name == "SLURM_CONF" or not name.startswith(("SLURM_", "SLURMD_", "ROCR_", "HIP_VIS"))
    }


def jobs(site: Site, *, fresh: bool = False) -> Told:
    """Return this user's jobs at a site, as of a few seconds ago."""
    file = _file(site, "jobs")
    place = registry.at(site)

    def ask(before: Told) -> Told:
        return replace(before, jobs=tuple(place.jobs()))

    return _asked(file, ask, 0.0 if fresh else JOBS_S)


def partitions(site: Site, *, fresh: bool = False) -> Told:
    """Return what there is at a site, as of half a minute ago."""
    file = _file(site, "partitions")
    place = registry.at(site)

    def ask(before: Told) -> Told:
        return replace(before, partitions=tuple(place.partitions()))

    return _asked(file, ask, 0.0 if fresh else PARTITIONS_S)


def _file(site: Site, what: str) -> Path:
    files.private_folder(config.state_dir())
    return files.private_folder(config.state_dir() / "sites") / f"{site.name}.{what}.json"


def _asked(file: Path, ask: Callable[[Told], Told], holds_s: float) -> Told:
    wanted_since = time.time()
    told = _read(file)
    if _recent(told, wanted_since - holds_s):
        return told
    with files.locked(file.with_suffix(".lock")):
        told = _read(file)
        if _recent(told, wanted_since - holds_s):
            # Somebody has asked while this process waited for the lock.
            return told
        told = _answer(told, ask)
        files.write_atomic(file, msgspec.json.encode(told))
        return told


def _recent(told: Told, since: float) -> bool:
    # A clock that was set back makes an answer neither newer nor eternal.
    return since <= told.asked_at <= time.time() + 1.0


def _answer(before: Told, ask: Callable[[Told], Told]) -> Told:
    asked_at = time.time()
    try:
        told = ask(before)
    except SiteError:
        since = before.silent_since or asked_at
        return replace(before, asked_at=time.time(), silent_since=since)
    return replace(told, asked_at=time.time(), told_at=time.time(), silent_since=None)


def _read(file: Path) -> Told:
    try:
        return _TOLD.decode(files.read_bounded(file))
    except files.UNREADABLE:
        return Told()


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it failed without a word."
