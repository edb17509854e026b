"""A bench from end to end, on the fake engine."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from msgspec.structs import replace

import aim_jupyter as aim
from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage, BenchFailed, ServerGone
from aim_jupyter.core.events import listening
from aim_jupyter.work import runs
from aim_jupyter.work.bench import bench as module
from aim_jupyter.work.bench.bench import Bench, told
from aim_jupyter.work.records import BenchRun, Level
from tests.conftest import FakeEngine
from tests.render.runs import BENCH
from tests.waiting import launch_ready

SMALL: dict[str, Any] = {"tokens_in": 20, "tokens_out": 4}


def test_a_bench_is_warmed_up_searched_kept_and_said(fake: FakeEngine) -> None:
    fake(token_s=0.02, slots=3)
    launch_ready()
    said: list[str] = []
    with listening(said.append):
        handle = aim.bench("demo", **SMALL)
    run = handle.record
    assert isinstance(run, BenchRun)
    assert (run.rows, run.done, run.failed) == (len(run.levels),) * 2 + (0,)
    assert "warms up" in said[0]
    assert len(said) == 1 + len(run.levels)
    frame = handle.frame()
    assert frame["best"].sum() == 1
    assert frame.index.is_monotonic_increasing
    assert frame["tokens_in"].sum() == run.tokens_in == 20 * frame["requests"].sum()
    assert frame["others"].max() == 0
    assert frame["engine_tok_s"].notna().all()
    assert frame["goodput"].isna().all()
    assert run.workload.client == "aim_jupyter"
    assert aim.runs().loc[handle.id, "state"] == "done"


def test_given_levels_alone_are_measured(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    handle = aim.bench(at_once=[2, 5], rounds=2, ttft_ms=5000.0, **SMALL)
    frame = handle.frame()
    assert list(frame.index) == [2, 5]
    assert list(frame["requests"]) == [8, 10]
    assert frame["within"].all()
    assert (frame["goodput"] > 0).all()


def test_what_is_interrupted_goes_on_and_what_is_done_is_measured_anew(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    launch_ready()
    measured: list[int] = []
    level = Bench._level

    def interrupted(self: Bench, client: module.Client, at_once: int) -> Level:
        measured.append(at_once)
        if measured == [1, 2]:
            signal.raise_signal(signal.SIGINT)
        return level(self, client, at_once)

    monkeypatch.setattr(Bench, "_level", interrupted)
    wanted: dict[str, Any] = {"at_once": (1, 2, 3), "rounds": 1, **SMALL}
    with pytest.raises(KeyboardInterrupt):
        Bench("demo", **wanted).do()
    (broken,) = runs.folders()
    assert broken.state(broken.read()) == "stopped"
    again = Bench("demo", **wanted).do()
    assert again.id == broken.id
    assert measured == [1, 2, 2, 3], "a level that was measured is not measured again"
    assert again.read().sittings == 2
    assert Bench("demo", **wanted).folder.id != again.id


def test_an_engine_that_answers_nothing_ends_it(fake: FakeEngine) -> None:
    fake(longest=5)
    launch_ready()
    with pytest.raises(BenchFailed, match="Nothing was answered at 1 at once"):
        aim.bench(**SMALL)
    (folder,) = runs.folders()
    assert folder.read().failed == 1


def test_one_that_is_asked_to_stop_keeps_what_it_has(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    made = Bench("demo", **SMALL)
    with listening(lambda line: made.folder.ask_to_stop() if "1 at once" in line else None):
        made.do()
    run = made.folder.read_as(BenchRun)
    assert [level.at_once for level in run.levels] == [1]
    assert made.folder.state(run) == "stopped"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"tokens_in": 4000, "tokens_out": 1}, "takes 1,024 tokens in and out, not 4,001"),
        ({"tokens_in": 0}, "numbers above 0"),
        ({"at_once": (0,)}, "numbers above 0"),
    ],
)
def test_what_can_not_be_is_refused_before_a_request(
    fake: FakeEngine, options: dict[str, Any], found: str
) -> None:
    fake()
    launch_ready()
    with pytest.raises(BadUsage, match=found):
        Bench("demo", **options)
    assert runs.folders() == []


def test_two_of_the_same_at_once_are_one(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    made = Bench("demo", **SMALL)
    with made.folder.held(), pytest.raises(BadUsage, match="is running"):
        made.do()


def test_a_server_that_is_gone_is_said(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    api.stop(folder.name)
    with pytest.raises(ServerGone):
        Bench(folder.name)


def test_a_level_is_told_in_a_line() -> None:
    level = BENCH.levels[0]
    assert told(level) == "4 at once: 400.0 tok/s, first token p95 95 ms"
    assert told(replace(level, failed=2)).endswith("2 failed")


def test_energy_and_gpu_time_add_up() -> None:
    start = replace(BENCH, levels=(), done=0, took_s=0.0)
    one = module._added(start, BENCH.levels[0], 3600.0)
    assert (one.gpu_hours, one.energy_wh) == (2.0, 1200.0)
    unknown = module._added(one, replace(BENCH.levels[1], engine={}), 3600.0)
    assert (unknown.gpu_hours, unknown.energy_wh) == (4.0, 1200.0)
    assert unknown.best == 8
