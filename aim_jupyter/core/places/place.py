"""What a place has to answer: the whole of what the rest of the program asks of one.

A place is where servers run that is not this machine: Slurm's allocations today. It knows nothing
of models, engines or servers. It is given a command and says what became of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from msgspec import Struct

from aim_jupyter.core.places.site import Site
from aim_jupyter.core.records import Check, Job, Partition


class Order(Struct, frozen=True, kw_only=True):
    """What is submitted.

    Attributes
    ----------
    command : tuple of str
        The one command of the job. Everybody can read it: it holds no secret.
    folder : Path
        On the disk that the place shares with this machine; the job's own words go there.
    gpus : int
        As the place counts them.
    lifetime_s : float or None
        The wall time; None is what the partition gives.
    env : dict
        Variables that the command needs; everybody can read them.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    partition: str = ""
    gpus: int = 0
    lifetime_s: float | None = None
    env: dict[str, str] = {}

    @property
    def log(self) -> Path:
        """Where the place writes what the command says, and what it has to say itself."""
        return self.folder / "job.log"


class Notice(Struct, frozen=True, kw_only=True):
    """Why a job is told to end, and how many seconds it has."""

    why: str
    left_s: float


class Place(ABC):
    """One kind of place, at a site that says how it is there.

    Every method may raise `SiteError`, within `asking.LIMIT_S` seconds: a place that is silent
    stops nobody.
    """

    #: The name of its entry point, and that of the site that needs no file.
    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, site: Site) -> None:
        self.site = site

    @staticmethod
    @abstractmethod
    def here() -> bool:
        """Whether this machine can submit to one, as far as can be seen without asking it."""

    @staticmethod
    @abstractmethod
    def inside() -> str:
        """Return the job that this process is a part of, empty where it is in none."""

    @abstractmethod
    def partitions(self) -> list[Partition]:
        """Return what is there, that of the default first."""

    @abstractmethod
    def submit(self, order: Order) -> Job:
        """Hand in a job and return it, queued."""

    @abstractmethod
    def join(self, order: Order, job: str) -> Job:
        """Run the command inside of the job that this process is a part of."""

    @abstractmethod
    def script(self, order: Order) -> str:
        """Return what `submit` would hand in, as text."""

    @abstractmethod
    def jobs(self) -> list[Job]:
        """Return this user's jobs: those that wait and run, and ended ones while they are known."""

    @abstractmethod
    def look(self, job: Job) -> Job:
        """Return what is known of one that `jobs` does not list: at the least that it has ended."""

    @abstractmethod
    def end(self, job: Job) -> None:
        """Tell a job to end; of one that has ended nothing is wanted."""

    @abstractmethod
    def way(self, job: Job) -> Sequence[str]:
        """Return the words that run a command on the node of a job, its input and output ours."""

    @abstractmethod
    def own(self) -> Job | None:
        """Return the job that this process is the command of, told where it stands; else None."""

    @abstractmethod
    def notice(self, job: Job) -> Notice:
        """Return why this process, the command of a job, was just told to end."""

    @abstractmethod
    def check(self) -> list[Check]:
        """Return what was found by trying it."""
