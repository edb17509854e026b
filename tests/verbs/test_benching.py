"""A bench by Python and by a line: the same."""

from __future__ import annotations

from aim_jupyter.commands import work
from aim_jupyter.verbs import benching
from aim_jupyter.work.records import BenchRun, Workload
from tests.commands.test_handlers import given
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

LINE = "bench demo --tokens-in 12 --tokens-out 2 --at-once 2 --rounds 1 --ttft 2s --itl 900ms"


def test_a_line_and_python_ask_for_the_same(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    ((by_line, _),) = work.bench(given(LINE))
    handle = benching.bench(
        "demo", tokens_in=12, tokens_out=2, at_once=[2], rounds=1, ttft_ms=2000, itl_ms=900
    )
    by_python = handle.record
    assert isinstance(by_python, BenchRun)
    for run in (by_line, by_python):
        assert (run.workload.ttft_ms, run.workload.itl_ms) == (2000.0, 900.0)
        assert (run.workload.tokens_in, run.workload.tokens_out) == (12, 2)
        assert [level.at_once for level in run.levels] == [2]
    assert isinstance(by_line.asked, Workload)
    assert by_line.id != by_python.id
