"""What every place must do, for those who write one: `check` fails with what it does not do.

>>> from aim_jupyter.testing import placing
>>> placing.check(registry.site("acme"), folder)                          # doctest: +SKIP

A job of a second is handed in, followed, reached and ended; nothing of it is left.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core.places import asking, registry
from aim_jupyter.core.places.place import Order, Place
from aim_jupyter.core.places.site import Site
from aim_jupyter.core.records import Job

#: Seconds in which a job begins, and in which one that was told to end has ended.
LIMIT_S = 120.0
_LASTS = ("sleep", "3600")
_BYTES = b"\0\r\n\xff" * 1000


def check(site: Site, folder: Path, *, partition: str = "") -> None:
    """Try a site with one job that only sleeps.

    Parameters
    ----------
    folder : Path
        That the place shares with this machine.

    Raises
    ------
    AssertionError
        With what it does not do as it should.
    """
    place = registry.at(site)
    _expect(bool(place.partitions()), "it shows no partition")
    order = Order(name="check", command=_LASTS, folder=folder, partition=partition)
    secret = replace(order, env={"SAID": "as it is"})
    _expect("sleep" in place.script(secret), "its script does not hold the command")
    job = place.submit(order)
    try:
        _expect(job.site == site.name, "a job does not name its site")
        _until(lambda: _now(place, job).state == "running", "a job does not begin")
        _reached(place, _now(place, job))
    finally:
        place.end(job)
    _until(lambda: _now(place, job).state == "ended", "a job does not end")
    place.end(job)
    gone = place.look(replace(job, id="999999999"))
    _expect(gone.state == "ended", "a job that it does not know has not ended")


def _now(place: Place, job: Job) -> Job:
    listed = {one.id: one for one in place.jobs()}
    return listed[job.id] if job.id in listed else place.look(job)


def _reached(place: Place, job: Job) -> None:
    """See that bytes come through its way to a node as they are."""
    _expect(bool(job.node), "a job that runs is on no node")
    done = subprocess.run(
        [*place.way(job), "cat"],
        input=_BYTES,
        stdout=subprocess.PIPE,
        env=asking.environment(),
        timeout=LIMIT_S,
        check=False,
    )
    _expect(done.stdout == _BYTES, "bytes do not come through its way to a node")


def _expect(good: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not good:
        raise AssertionError(what)


def _until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not is_so():
        _expect(time.monotonic() < end, what)
        time.sleep(0.2)
