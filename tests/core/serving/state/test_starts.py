"""How long a start will take, from the last one of the same plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.records import STAGES, Plan, StageTime
from aim_jupyter.core.serving.state import starts

PLAN = Plan(
    server="demo", model="demo", recipe_id="x", origin="derived", engine="vllm", engine_name="e",
    engine_version="0.32.0", platform="cpu", model_path="/m", argv=("python",), env={"A": "1"},
)  # fmt: skip
HOW = "lean"
TOOK = [
    StageTime(stage="boot", began_at=0.0, took_s=4.0),
    StageTime(stage="load", began_at=4.0, took_s=6.0),
    StageTime(stage="ready", began_at=10.0, took_s=1.0),
]


def stages(*pairs: tuple[str, float]) -> tuple[StageTime, ...]:
    return tuple(StageTime(stage=stage, began_at=at) for stage, at in pairs)  # type: ignore[arg-type]


def test_the_next_start_of_the_same_plan_knows_the_last() -> None:
    assert starts.expected(PLAN, HOW) == {}
    starts.remember(PLAN, HOW, TOOK, {})
    assert starts.expected(PLAN, HOW) == {"boot": 4.0, "load": 6.0, "ready": 1.0}
    assert starts.expected(replace(PLAN, server="other", port=8000), HOW) == starts.expected(
        PLAN, HOW
    )
    for other in (
        replace(PLAN, argv=("python", "--x")),
        replace(PLAN, env={}),
        replace(PLAN, gpus=(1,)),
        replace(PLAN, engine_version="0.33.0"),
    ):
        assert starts.expected(other, HOW) == {}


def test_the_last_start_counts_and_the_oldest_plans_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "MOST", 2)
    plans = [replace(PLAN, engine_version=f"0.{number}") for number in range(3)]
    for plan in (*plans[:2], plans[0], plans[2]):
        starts.remember(plan, HOW, TOOK, {})
    assert [bool(starts.expected(plan, HOW)) for plan in plans] == [True, False, True]


def test_the_median_of_the_last_starts_counts() -> None:
    for seconds in (90.0, 5.0, 7.0, 6.0, 60.0, 7.5):
        starts.remember(PLAN, HOW, [replace(TOOK[0], took_s=seconds)], {"boot": 6.0})
    assert starts.expected(PLAN, HOW) == {"boot": 7.0}
    assert [start.ready_s for start in starts.earlier(PLAN, HOW)] == [5.0, 7.0, 6.0, 60.0, 7.5]
    assert {start.predicted_s for start in starts.earlier(PLAN, HOW)} == {6.0}


def test_each_way_of_starting_has_times_of_its_own() -> None:
    starts.remember(PLAN, "warm", TOOK[:1], {})
    assert starts.expected(PLAN, "warming") == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": 3}', b'{"a": {"b": "\xff"}}'])
def test_a_broken_file_costs_an_estimate_only(content: bytes) -> None:
    starts.remember(PLAN, HOW, TOOK, {})
    (config.state_dir() / "starts.json").write_bytes(content)
    assert starts.expected(PLAN, HOW) == {}
    starts.remember(PLAN, HOW, TOOK, {})
    assert starts.expected(PLAN, HOW)["load"] == 6.0


def test_a_folder_that_cannot_be_written_costs_an_estimate_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIM_STATE_DIR", "/proc/nowhere")
    starts.remember(PLAN, HOW, TOOK, {})
    assert starts.expected(PLAN, HOW) == {}


EXPECTED = {"boot": 4.0, "load": 6.0, "ready": 1.0}


@pytest.mark.parametrize(
    ("done", "now", "left"),
    [
        (stages(("boot", 100.0)), 100.0, 11.0),
        (stages(("boot", 100.0)), 103.0, 8.0),
        (stages(("boot", 100.0)), 150.0, 7.0),
        (stages(("boot", 100.0), ("load", 104.0)), 106.0, 5.0),
        (stages(("download", 0.0)), 90.0, 11.0),
        (stages(("boot", 0.0), ("load", 1.0), ("compile", 2.0)), 3.0, 1.0),
        (stages(("boot", 0.0), ("ready", 1.0)), 5.0, 0.0),
        ((), 5.0, None),
    ],
)
def test_what_is_left_is_what_the_last_start_took(
    done: tuple[StageTime, ...], now: float, left: float | None
) -> None:
    assert starts.remaining_s(done, EXPECTED, now) == left


def test_without_an_earlier_start_nothing_is_said() -> None:
    assert starts.remaining_s(stages(("boot", 0.0)), {}, 1.0) is None


NAMES = st.sampled_from(STAGES)


@given(
    names=st.lists(NAMES, min_size=1, unique=True),
    expected=st.dictionaries(NAMES, st.floats(0, 1e6), min_size=1),
    now=st.floats(0, 1e7),
)
def test_an_estimate_is_never_negative_nor_more_than_the_whole(
    names: list[str], expected: dict[str, float], now: float
) -> None:
    done = stages(*((name, 0.0) for name in STAGES if name in names))
    left = starts.remaining_s(done, expected, now)
    assert left is not None
    assert 0 <= left <= sum(expected.values()) + 1e-6
