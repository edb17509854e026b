"""What Slurm's commands print, read: pure."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from aim_jupyter.core.records import Job, Partition
from aim_jupyter.core.records.job import JobState, PartitionState
from aim_jupyter.core.sizes import MIB

#: The fields of `squeue -o`, one a column of `jobs`.
SQUEUE = "%i|%T|%r|%P|%N|%S|%e"
#: Of `sinfo -O`: each with the sign that ends it.
SINFO = ("Partition", "NodeHost", "StateLong", "Gres", "GresUsed", "Time", "CPUs", "Memory")

# Job states, from squeue(1).
_QUEUED = frozenset(
    [
        "PENDING",
        "CONFIGURING",
        "REQUEUED",
        "REQUEUE_FED",
        "REQUEUE_HOLD",
        "RESV_DEL_HOLD",
        "SPECIAL_EXIT",
    ]
)
_RUNNING = frozenset(["RUNNING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT"])
_CAUSES = {
    "BOOT_FAIL": "its node did not boot",
    "CANCELLED": "it was cancelled",
    "COMPLETED": "",
    "DEADLINE": "its deadline has passed",
    "FAILED": "its command failed",
    "NODE_FAIL": "its node failed",
    "OUT_OF_MEMORY": "out of memory",
    "PREEMPTED": "another job took its place",
    "REVOKED": "another cluster has it",
    "TIMEOUT": "time limit",
}
# Of a node, from sinfo(1); a sign behind it says more: ``*`` does not respond.
_DOWN = re.compile(r"down|drain|fail|inval|maint|power|reboot|unk|future|blocked|\*")
_GPU = re.compile(r"(?:^|,)(gpu)(?::([^:,()]+))?:(\d+)")
_TIME = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)|(\d+)-(\d+)")


def jobs(text: str, site: str, now: float) -> list[Job]:
    """Return the jobs that ``squeue -h -o SQUEUE`` lists."""
    found = []
    for line in text.splitlines():
        fields = line.split("|")
        if len(fields) == SQUEUE.count("|") + 1:
            number, state, reason, partition, nodes, starts, ends = map(str.strip, fields)
            found.append(
                Job(
                    site=site,
                    id=number,
                    partition=partition,
                    node=nodes,
                    state=state_of(state),
                    reason="" if reason == "None" else reason,
                    cause=_CAUSES.get(state, ""),
                    starts_at=moment(starts),
                    ends_at=moment(ends),
                    at=now,
                )
            )
    return found


def state_of(word: str) -> JobState:
    """Return what a state of Slurm's means here; one that is not known has ended.

    Examples
    --------
    >>> state_of("PENDING"), state_of("COMPLETING"), state_of("TIMEOUT")
    ('queued', 'ending', 'ended')
    """
    if word in _QUEUED:
        return "queued"
    if word in _RUNNING:
        return "running"
    return "ending" if word == "COMPLETING" else "ended"


def cause_of(word: str) -> str:
    """Return why a job of that state ended, empty where it did so by itself."""
    return _CAUSES.get(word, "")


def moment(text: str) -> float | None:
    """Return a local time of Slurm's as seconds since the epoch; ``N/A`` is None."""
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return None


def seconds(text: str) -> float | None:
    """Return a time limit in seconds, None where there is none.

    Examples
    --------
    >>> seconds("1-00:30:00"), seconds("15:00"), seconds("infinite")
    (88200.0, 900.0, None)
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    days, hours, minutes, rest, alone_days, alone_hours = (
        int(part or 0) for part in found.groups()
    )
    days, hours = days + alone_days, hours + alone_hours
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)


def gpus(gres: str) -> tuple[str, int]:
    """Return the kind and the count of a node's GPUs.

    Examples
    --------
    >>> gpus("gpu:mi300x:4(S:0-1),nvme:1"), gpus("gpu:8"), gpus("(null)")
    (('mi300x', 4), ('', 8), ('', 0))
    """
    found = [(kind, int(count)) for _, kind, count in _GPU.findall(gres)]
    kinds = {kind for kind, _ in found if kind}
    return (kinds.pop() if len(kinds) == 1 else "", sum(count for _, count in found))


def partitions(text: str, waiting: str, now: float) -> list[Partition]:
    """Return what ``sinfo -h -N -O SINFO`` and ``squeue -h -t PD -o %P`` list; default first."""
    rows: dict[str, list[dict[str, str]]] = {}
    for line in text.splitlines():
        fields = line.rstrip("|").split("|")
        if len(fields) == len(SINFO):
            row = dict(zip(SINFO, map(str.strip, fields), strict=True))
            rows.setdefault(row["Partition"], []).append(row)
    pending = Counter(name for line in waiting.split() for name in line.split(","))
    found = [_partition(name, nodes, pending, now) for name, nodes in rows.items()]
    return sorted(found, key=lambda one: not one.default)


def _partition(
    name: str, rows: Iterable[Mapping[str, str]], pending: Mapping[str, int], now: float
) -> Partition:
    nodes = [_Node(row) for row in rows]
    largest = max(nodes, key=lambda node: node.gpus)
    up = [node for node in nodes if not node.down]
    plain = name.rstrip("*")
    return Partition(
        name=plain,
        state=_state(nodes, up),
        default=name.endswith("*"),
        gpu=largest.kind,
        nodes=len(nodes),
        gpus_per_node=largest.gpus,
        gpus_total=sum(node.gpus for node in nodes),
        gpus_used=sum(node.used for node in up),
        gpus_down=sum(node.gpus for node in nodes if node.down),
        most_free=max((node.gpus - node.used for node in up), default=0),
        cpus=largest.cpus,
        memory_bytes=largest.memory_bytes,
        limit_s=largest.limit_s,
        pending=pending.get(plain, 0),
        asked_at=now,
    )


def _state(nodes: list[_Node], up: list[_Node]) -> PartitionState:
    if not up:
        return "down"
    with_gpus = any(node.gpus for node in nodes)
    free = any(node.gpus > node.used if with_gpus else not node.full for node in up)
    return "free" if free else "busy"


class _Node:
    """One row: a node in a partition."""

    def __init__(self, row: Mapping[str, str]) -> None:
        state = row["StateLong"].lower()
        self.down = bool(_DOWN.search(state))
        self.full = state.startswith(("alloc", "comp"))
        self.kind, self.gpus = gpus(row["Gres"])
        self.used = min(self.gpus, gpus(row["GresUsed"])[1])
        self.limit_s = seconds(row["Time"])
        self.cpus = int(row["CPUs"]) if row["CPUs"].isdecimal() else None
        memory = row["Memory"]
        self.memory_bytes = int(memory) * MIB if memory.isdecimal() else None


def shown(text: str) -> dict[str, str]:
    """Return the fields of ``scontrol show job -o``; a value with a space in it is cut there."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)
