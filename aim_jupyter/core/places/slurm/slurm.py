"""The place itself: what is asked of Slurm, and by which command."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.places import asking
from aim_jupyter.core.places.place import Notice, Order, Place
from aim_jupyter.core.places.site import Site, expanded
from aim_jupyter.core.places.slurm import answers, script
from aim_jupyter.core.records import Check, Job, Partition

#: Seconds that a job has after TERM where nobody says how many: Slurm's own KillWait is 30.
LEFT_S = 20.0
#: Seconds of the end of the wall time that are kept for cleaning up.
KEPT_S = 15.0


class Slurm(Place):
    """Slurm from 20.11 on."""

    name = "slurm"
    title = "Slurm"

    @staticmethod
    def here() -> bool:
        """Whether its commands are on the path."""
        return shutil.which("sbatch") is not None

    def partitions(self) -> list[Partition]:
        """Ask ``sinfo``, and ``squeue`` for who waits."""
        fields = ",".join(f"{name}:|" for name in answers.SINFO)
        nodes = asking.run(["sinfo", "--noheader", "--Node", "--Format", fields])
        waiting = asking.run(["squeue", "--noheader", "--states=PENDING", "--format=%P"])
        return answers.partitions(nodes, waiting, time.time())

    @staticmethod
    def inside() -> str:
        """Return the job that this process is a part of, empty where it is in none."""
        return os.environ.get("SLURM_JOB_ID", "")

    def submit(self, order: Order) -> Job:
        """Hand in a job and return it, queued."""
        said = asking.run(["sbatch", "--parsable"], text=self.script(order))
        number = said.strip().splitlines()[-1].partition(";")[0]
        partition = order.partition or self.site.partition
        return Job(site=self.site.name, id=number, partition=partition, at=time.time())

    def script(self, order: Order) -> str:
        """Return the batch script."""
        return script.text(self.site, order)

    def join(self, order: Order, job: str) -> Job:
        """Run the command as a step of a job, beside the steps that it has."""
        lines = "\n".join(script.body(self.site, order))
        with order.log.open("ab") as log:
            # In a session of its own: neither a kernel's end nor Ctrl-C is the server's.
            subprocess.Popen(
                [*_step(job), "sh", "-c", lines],
                env=asking.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return Job(site=self.site.name, id=job, state="running", at=time.time())

    def jobs(self) -> list[Job]:
        """Ask ``squeue``; it lists what has ended for ``MinJobAge`` seconds, 300 as a rule."""
        user = f"--user={config.user()}"
        words = ["squeue", "--noheader", "--states=all", user, f"--format={answers.SQUEUE}"]
        return answers.jobs(asking.run(words), self.site.name, time.time())

    def look(self, job: Job) -> Job:
        """Ask for a step by itself; for a job that is forgotten, ask the accounting if there is."""
        number, _, step = job.id.partition(".")
        if step:
            listed = asking.run(["squeue", "--noheader", "--steps", job.id, "--format=%i"])
            if job.id in listed.split():
                return replace(job, state="running", at=time.time())
            return replace(job, state="ended", at=time.time())
        words = ["sacct", "--noheader", "--parsable2", "--allocations", "--jobs", number]
        try:
            said = asking.run([*words, "--format=State"]).split()
        except SiteError:
            said = []
        state = said[0] if said else "COMPLETED"
        return replace(job, state="ended", cause=answers.cause_of(state), at=time.time())

    def end(self, job: Job) -> None:
        """Cancel it."""
        try:
            asking.run(["scancel", job.id])
        except SiteError as error:
            if "Invalid job id" not in error.found and "already" not in error.found:
                raise

    def way(self, job: Job) -> Sequence[str]:
        """Return a step that takes nothing from the others; or ssh, where a site wants that."""
        if self.site.reach == "ssh":
            options = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
            return ["ssh", *options, job.node]
        return [*_step(job.id.partition(".")[0]), "--gres=none", f"--nodelist={job.node}"]

    def own(self) -> Job | None:
        """Return the job that this process is the command of, by what Slurm's variables say."""
        number, node = self.inside(), os.environ.get("SLURMD_NODENAME", "")
        if not number:
            return None
        step = os.environ.get("SLURM_STEP_ID", "")
        # A batch script's is none that can be named.
        named = f"{number}.{step}" if step.isdecimal() and int(step) < 1 << 30 else number
        ends = os.environ.get("SLURM_JOB_END_TIME", "")
        return Job(
            site=self.site.name,
            id=named,
            partition=os.environ.get("SLURM_JOB_PARTITION", ""),
            node=node,
            state="running",
            ends_at=float(ends) if ends.isdecimal() else None,
            at=time.time(),
        )

    def notice(self, job: Job) -> Notice:
        """Ask the controller why TERM came, and when KILL will."""
        number = job.id.partition(".")[0]
        try:
            said = answers.shown(asking.run(["scontrol", "--oneliner", "show", "job", number]))
        except SiteError:
            return Notice(why=f"{self.title} told it to end", left_s=LEFT_S)
        state, ends_at = said.get("JobState", ""), answers.moment(said.get("EndTime", ""))
        if state == "RUNNING" and ends_at is not None:
            at = time.strftime("%H:%M", time.localtime(ends_at))
            left_s = max(0.0, ends_at - time.time() - KEPT_S)
            return Notice(why=f"time limit: its job ends at {at}", left_s=left_s)
        cause = answers.cause_of(state) or f"{self.title} told it to end"
        return Notice(why=cause, left_s=LEFT_S)

    def check(self) -> list[Check]:
        """Try what a launch would: the commands, the controller, the partition, a submission."""
        return list(_checks(self))


def _step(job: str) -> list[str]:
    """Return the words that run one task beside what runs in a job."""
    return [
        *("srun", f"--jobid={job}", "--overlap", "--nodes=1", "--ntasks=1", "--mpi=none"),
        *("--quiet", "--unbuffered", "--export=ALL"),
    ]


def _checks(place: Slurm) -> Iterator[Check]:
    try:
        version = asking.run(["sinfo", "--version"]).strip()
        listed = place.partitions()
    except SiteError as error:
        yield Check(name="controller", good=False, found=error.found, fix=error.hint)
        return
    site = place.site
    names = ", ".join(one.name for one in listed)
    yield Check(name="controller", good=True, found=f"{version}: partitions {names}")
    yield _partition(site, {one.name for one in listed})
    yield from (_path(name, value) for name, value in site.env.items() if _is_path(value))
    yield _submission(place)


def _partition(site: Site, names: set[str]) -> Check:
    good = not site.partition or site.partition in names
    found = f"partition {site.partition or 'by default'}{'' if good else ' is not there'}"
    fix = "" if good else f"partition = one of {', '.join(sorted(names))}"
    return Check(name="partition", good=good, found=found, fix=fix)


def _is_path(value: str) -> bool:
    return value.startswith(("/", "~", "$")) and "/" in value


def _path(name: str, value: str) -> Check:
    """Whether a folder of the site's can be written from here; one of the job's own is its own."""
    folder = expanded(value)
    if "$" in folder:
        return Check(name=name, good=True, found=f"{value}: known in a job only")
    existing = folder
    while not os.path.exists(existing):  # noqa: PTH110 - never raises
        existing = os.path.dirname(existing)  # noqa: PTH120 - as above
    good = os.access(existing, os.W_OK)
    found = f"{folder}: {'can be written' if good else f'{existing} can not be written'}"
    return Check(name=name, good=good, found=found, fix="" if good else f"mend {name} in its file")


def _submission(place: Slurm) -> Check:
    """Whether Slurm would take a job of this site, without handing one in."""
    order = Order(name="check", command=("true",), folder=config.state_dir(), lifetime_s=600.0)
    words = ["sbatch", "--test-only"]
    try:
        asking.run(words, text=place.script(order))
    except SiteError as error:
        return Check(name="submission", good=False, found=error.found, fix=shlex.join(words))
    return Check(name="submission", good=True, found="a job of 10 min would be taken")
