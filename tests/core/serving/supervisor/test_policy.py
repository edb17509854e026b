"""Whether an engine is started again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving.supervisor.policy import LONGEST_S, STABLE_S, after, decide
from tests.core.serving.state.test_starts import PLAN

COUNTS = st.integers(0, 50)
TIMES = st.none() | st.floats(0, 1e7)


def test_off_by_default() -> None:
    assert decide(0, 0, ran_s=20.0) is None
    assert decide(0, 0, ran_s=STABLE_S) is None


@given(COUNTS, COUNTS, TIMES)
def test_no_more_than_allowed_in_a_row_and_never_at_once(
    most: int, done: int, ran_s: float | None
) -> None:
    found = decide(most, done, ran_s)
    if found is not None:
        assert 1 <= found.number <= most
        assert 0 < found.pause_s <= LONGEST_S


@given(COUNTS, TIMES.filter(lambda ran_s: ran_s is None or ran_s < STABLE_S))
def test_it_comes_to_an_end_unless_something_goes_well(most: int, ran_s: float | None) -> None:
    done, pauses = 1, []
    while found := decide(most, done, ran_s):
        assert found.number == done + 1
        done = found.number
        pauses.append(found.pause_s)
    assert len(pauses) == max(0, most - 1)
    assert pauses == sorted(pauses)


@given(st.integers(1, 50), COUNTS)
def test_a_time_that_went_well_counts_anew(most: int, done: int) -> None:
    found = decide(most, done, ran_s=STABLE_S)
    assert found is not None
    assert found.number == 1


def test_the_next_attempt_of_a_server_goes_by_its_record() -> None:
    record = ServerRecord(name="x", plan=replace(PLAN, restarts=2), restarts=1, ready_up_s=100.0)
    assert after(record, 130.0) == decide(2, 1, ran_s=30.0)
    assert after(replace(record, ready_up_s=None, restarts=0), 130.0) is None
