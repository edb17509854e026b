"""A job of a place that is not this machine, and what such a place has."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

JobState = Literal["queued", "running", "ending", "ended"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
PartitionState = Literal["free", "busy", "down"]


class Job(Struct, frozen=True, kw_only=True):
    """The job in which a server runs, as its place has last told.

    Attributes
    ----------
    site : str
        The site that it was submitted to.
    id : str
        Its number; ``12.3`` is the step 3 of a job that was there before.
    node : str
        Where it runs, as the place calls it; empty before.
    reason : str
        Why it waits, in the place's own word.
    cause : str
        Why it ended, as a sentence; empty where it did so by itself.
    starts_at, ends_at : float or None
        When it started, or is expected to, and when its wall time is over; seconds since the epoch.
    at : float
        When the place said so.
    silent_since : float or None
        Since when the place has not answered; None where it does.
    """

    site: str
    id: str
    partition: str = ""
    node: str = ""
    state: JobState = "queued"
    reason: str = ""
    cause: str = ""
    starts_at: float | None = None
    ends_at: float | None = None
    at: float = 0.0
    silent_since: float | None = None


class Partition(Struct, frozen=True, kw_only=True):
    """A part of a place with machines of a kind. None is unknown.

    Attributes
    ----------
    gpu : str
        What the place calls its GPUs; empty without any.
    gpu_model, vram_bytes
        What these are, and the memory of one, where its site says so.
    gpus_per_node : int
        Of its largest node, as the place counts them: a GCD may be one.
    most_free : int
        The free ones of the node that has most: a launch of more waits.
    limit_s : float or None
        The longest wall time, None without a limit.
    pending : int
        Jobs that wait for it.
    """

    name: str
    state: PartitionState
    default: bool = False
    gpu: str = ""
    gpu_model: str | None = None
    vram_bytes: int | None = None
    nodes: int = 0
    gpus_per_node: int = 0
    gpus_total: int = 0
    gpus_used: int = 0
    gpus_down: int = 0
    most_free: int = 0
    cpus: int | None = None
    memory_bytes: int | None = None
    limit_s: float | None = None
    pending: int = 0
    asked_at: float = 0.0

    @property
    def gpus_free(self) -> int:
        """Those that nobody has, on nodes that are up."""
        return self.gpus_total - self.gpus_used - self.gpus_down
