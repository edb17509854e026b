"""The engine's own benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aim_jupyter.core.errors import BenchFailed
from aim_jupyter.core.records import Address
from aim_jupyter.work.bench.theirs import Theirs
from aim_jupyter.work.records import Quantiles, Workload
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

FOUND = {
    "completed": 16,
    "failed": 1,
    "duration": 2.0,
    "total_input_tokens": 1024,
    "total_output_tokens": 128,
    "p50_ttft_ms": 10.0,
    "p95_ttft_ms": 20.0,
    "p99_ttft_ms": 30.0,
    "p50_e2el_ms": 100.0,
    "request_goodput": 7.5,
}


@pytest.fixture
def theirs(fake: FakeEngine) -> Theirs:
    fake()
    record = launch_ready().read()
    assert not Theirs.serves(record), "the fake engine brings no benchmark"
    return Theirs(record, "key", Workload(tokens_in=64, tokens_out=8))


def test_its_figures_are_a_level_and_its_failure_is_said(
    theirs: Theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theirs._tool, "run", lambda _: FOUND)
    level = theirs.measure(4, 17, 1)
    assert (level.requests, level.failed, level.gen_tok_s) == (16, 1, 64.0)
    assert level.ttft == Quantiles(p50=10.0, p95=20.0, p99=30.0)
    assert level.itl == Quantiles()
    assert (level.e2e.p50, level.good_s) == (100.0, 7.5)
    monkeypatch.setattr(theirs._tool, "run", lambda _: {"error": "OSError: away"})
    with pytest.raises(BenchFailed, match="vllm bench serve failed: OSError: away"):
        theirs.measure(1, 1, 1)
    theirs.close()


def test_it_is_used_where_it_can_reach_the_server(fake: FakeEngine, tmp_path: Path) -> None:
    fake()
    record = launch_ready().read()
    packages = tmp_path / "lib/python3.12/site-packages/vllm/benchmarks"
    packages.mkdir(parents=True)
    (packages / "serve.py").touch()

    def served(**facts: Any) -> bool:
        plan = replace(record.plan, argv=(f"{tmp_path}/bin/python", *record.plan.argv[1:]))
        return Theirs.serves(replace(record, plan=replace(plan, **facts)))

    assert served()
    assert not served(engine="sglang")
    there = replace(record, plan=replace(record.plan, argv=(f"{tmp_path}/bin/python",)))
    assert Theirs.serves(there)
    assert not Theirs.serves(replace(there, away=True, reached=Address(port=1)))
