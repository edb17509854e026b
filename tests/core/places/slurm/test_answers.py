"""What Slurm's commands print is read, whatever a site calls its GPUs."""

from __future__ import annotations

import pytest

from aim_jupyter.core.places.slurm import answers

QUEUE = """\
7|PENDING|Priority|gpu||2026-12-01T14:20:00|N/A
8|RUNNING|None|gpu|n1|2026-12-01T13:00:00|2026-12-01T17:00:00
9|TIMEOUT|TimeLimit|gpu|n2|2026-12-01T09:00:00|2026-12-01T13:00:00
11|OUT_OF_MEMORY|None|gpu|n2|N/A|Unknown
not a line
"""
NODES = """\
gpu*|n1|mixed|gpu:mi300x:4(S:0-1)|gpu:mi300x:3(IDX:0-2)|1-00:00:00|96|1000000|
gpu*|n2|down*|gpu:mi300x:4|gpu:mi300x:0(IDX:N/A)|1-00:00:00|96|1000000|
old|o1|allocated|gpu:mi100:4|gpu:mi100:4(IDX:0-3)|infinite|64|500000|
cpu|c1|idle|(null)|gpu:0|30:00|8|8000|
"""


def test_jobs_are_told_with_their_reason_and_their_cause() -> None:
    waits, runs, over, killed = answers.jobs(QUEUE, "here", 5.0)
    assert (waits.state, waits.reason, waits.node) == ("queued", "Priority", "")
    assert waits.starts_at == answers.moment("2026-12-01T14:20:00")
    assert (runs.state, runs.node, runs.reason) == ("running", "n1", "")
    assert (runs.ends_at or 0) - (runs.starts_at or 0) == 4 * 3600
    assert (over.state, over.cause) == ("ended", "time limit")
    assert (killed.cause, killed.ends_at) == ("out of memory", None)


def test_partitions_are_summed_over_their_nodes() -> None:
    gpu, old, cpu = answers.partitions(NODES, "gpu\ngpu\nold,gpu\n", 5.0)
    assert (gpu.name, gpu.default, gpu.gpu, gpu.state) == ("gpu", True, "mi300x", "free")
    assert (gpu.gpus_total, gpu.gpus_used, gpu.gpus_down, gpu.gpus_free) == (8, 3, 4, 1)
    assert (gpu.most_free, gpu.pending, gpu.limit_s) == (1, 3, 86400.0)
    assert (old.state, old.limit_s, old.pending) == ("busy", None, 1)
    assert (cpu.state, cpu.gpus_per_node, cpu.limit_s) == ("free", 0, 1800.0)


@pytest.mark.parametrize(
    ("gres", "told"),
    [
        ("gpu:mi250:8(S:0-7)", ("mi250", 8)),
        ("gpu:8", ("", 8)),
        ("gpu:mi300a:2,gpu:mi300x:2", ("", 4)),
        ("nvme:1,gpu:mi210:2", ("mi210", 2)),
        ("(null)", ("", 0)),
    ],
)
def test_gpus_of_a_node(gres: str, told: tuple[str, int]) -> None:
    assert answers.gpus(gres) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [("30", None), ("2-00", 172800.0), ("1:00:00", 3600.0), ("INVALID", None), ("", None)],
)
def test_time_limits(text: str, told: float | None) -> None:
    assert answers.seconds(text) == told


def test_the_fields_of_a_job() -> None:
    shown = answers.shown("JobId=7 JobState=RUNNING EndTime=2026-12-01T14:20:00 Comment=a b=c")
    assert shown["JobState"] == "RUNNING"
    assert answers.cause_of("NODE_FAIL") == "its node failed"
