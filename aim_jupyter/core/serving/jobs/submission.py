"""From a prepared folder to a job that will look after it."""

from __future__ import annotations

import contextlib
import os
import sys
import time

import msgspec

from aim_jupyter.core import credentials, devices, files
from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.places import registry
from aim_jupyter.core.places.place import Order
from aim_jupyter.core.places.site import Site
from aim_jupyter.core.records import Job, Plan
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.serving.start.engine import PACKAGE
from aim_jupyter.core.serving.state.folder import ServerFolder

_NAME = "job.json"
_JOB = msgspec.json.Decoder(resolved(Job))
#: Seconds in which a step of a job has begun, or has said why not.
BEGUN_S = 60.0


def hand_in(folder: ServerFolder) -> None:
    """Submit a server's job, or begin it inside of the job that we are in.

    A partition that is asked for means a job of its own.

    Raises
    ------
    SiteError
        If the site refuses it, with its own words.
    """
    plan = folder.read().plan
    site = registry.site(plan.on)
    place = registry.at(site)
    wanted = order(site, plan, folder)
    inside = "" if plan.partition else place.inside()
    job = place.join(wanted, inside) if inside else place.submit(wanted)
    files.write_atomic(folder.path / _NAME, msgspec.json.encode(job))
    where = f"joined job {job.id}" if inside else f"job {job.id} was handed in"
    folder.events.add("stage", f"{where} at {site.title or site.name}", stage="queued")
    if inside:
        _wait_begun(folder, wanted)


def handed_in(folder: ServerFolder) -> Job | None:
    """Return the job as it was handed in; None where that has not come to its end."""
    with contextlib.suppress(*files.UNREADABLE):
        return _JOB.decode((folder.path / _NAME).read_bytes())
    return None


def order(site: Site, plan: Plan, folder: ServerFolder) -> Order:
    """Return what is submitted for a plan: our own supervisor, in the foreground."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("AIM_")}
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), PACKAGE)))
    return Order(
        name=folder.name,
        command=(sys.executable, "-m", "aim_jupyter.core.serving", str(folder.path)),
        folder=folder.path,
        partition=plan.partition,
        gpus=counted(site, plan),
        lifetime_s=plan.lifetime_s,
        env={
            **{name: value for name, value in ours.items() if not credentials.looks_secret(name)},
            "PYTHONPATH": path,
            "PYTHONSAFEPATH": "1",
        },
    )


def counted(site: Site, plan: Plan) -> int:
    """Return the GPUs of a plan as its site counts them: two dies of an MI250X may be one."""
    device = devices.named(plan.gpu_model) if plan.gpus and not site.gcd else None
    return -(-len(plan.gpus) // (device.dies if device else 1))


def _wait_begun(folder: ServerFolder, wanted: Order) -> None:
    end = time.monotonic() + BEGUN_S
    while folder.read().supervisor is None:
        said = files.tail(wanted.log, 1) if wanted.log.exists() else []
        if (said and said[-1].startswith("srun: error")) or time.monotonic() > end:
            raise SiteError(f"The step did not begin: {' '.join(said) or 'nothing was said'}.")
        time.sleep(0.1)
