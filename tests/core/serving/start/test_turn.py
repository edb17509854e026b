"""A server waits for its turn: it says where it stands, and passes nobody, whatever is killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, leases, serving
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.leases import Wish
from aim_jupyter.core.planning import preflight
from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.start import turn
from tests.conftest import FakeEngine
from tests.core.gpus import trees
from tests.waiting import until

KEYS = tuple(f"{trees.bdf(card)}-0" for card in range(2))


def launch(plan: Plan, name: str, **more: object) -> ServerFolder:
    return serving.launch(replace(plan, server=name, gpus=(0,), queue=True, **more))


def state(folder: ServerFolder) -> tuple[str, str | None]:
    record = serving.current(folder)
    return record.state, record.stage


def detail(folder: ServerFolder) -> str:
    stages = folder.read().stages
    return stages[-1].detail if stages else ""


def test_it_waits_in_turn_and_starts_by_itself(machine: Path, plan: Plan) -> None:
    with leases.take(KEYS, info={"server": "theirs"}) as theirs:
        first = launch(plan, "first")
        until(lambda: state(first) == ("starting", "queued"))
        second = launch(plan, "second", lifetime_s=3600.0)
        until(lambda: "after" in detail(second))
        user = api.queue()[0].user
        assert detail(first) == (
            f"1st in line for 1 GPU · {user} for theirs has GPU 0,1 · nobody has said until when"
        )
        assert detail(second).startswith(f"2nd in line for 1 GPU · after {user} for first · ")
        waiting = api.queue()
        assert [one.server for one in waiting] == ["first", "second"]
        assert [one.gpus for one in waiting] == [(0, 1), (0, 1)]
        assert first.read().devices == "1 GPU"
        theirs.release()
    until(lambda: (state(first)[0], state(second)[0]) == ("running", "running"))
    assert sorted([*first.read().plan.gpus, *second.read().plan.gpus]) == [0, 1]
    assert api.queue() == []
    # Its life began with its turn, and others know when it ends.
    ends = {one.server: one.until for one in leases.holders().values()}
    assert ends["first"] is None
    assert ends["second"] == pytest.approx(time.time() + 3600, abs=120)
    assert first.read().stages[0].stage == "queued"


def test_a_supervisor_that_is_killed_while_it_waits_costs_no_place(
    machine: Path, plan: Plan
) -> None:
    with leases.take(KEYS, info={}):
        first = launch(plan, "first")
        until(lambda: state(first) == ("starting", "queued"))
        second = launch(plan, "second")
        until(lambda: len(api.queue()) == 2)
        supervisor = first.read().supervisor
        assert supervisor is not None
        os.kill(supervisor.pid, signal.SIGKILL)
        until(lambda: state(first)[0] == "starting" and first.read().supervisor != supervisor)
        until(lambda: [one.server for one in api.queue()] == ["first", "second"])
        assert serving.stop(first).state == "stopped"
        until(lambda: detail(second).startswith("1st"))
        assert serving.stop(second).state == "stopped"
    assert api.queue() == []
    assert serving.current(second).devices == "1 GPU"


def test_it_gives_up_when_it_said(machine: Path, plan: Plan) -> None:
    asked = replace(plan, queue=True, until="18:00", lifetime_s=60.0)
    spoken: list[str] = []

    def say(words: str, seconds: float) -> bool:
        spoken.append(words)
        return True

    day_before = time.time() - 2 * 86400
    with leases.take(KEYS, info={}), pytest.raises(GpuUnavailable, match="by 18:00: 1st in line"):
        turn.waited(asked, Path("x"), day_before, _never, say)
    assert spoken == []
    assert api.queue() == []


def _never(keys: frozenset[str]) -> leases.Lease:
    raise AssertionError(keys)


def test_who_is_not_wanted_any_more_leaves_the_line(machine: Path, plan: Plan) -> None:
    with leases.take(KEYS, info={}):
        left = turn.waited(plan, Path("x"), 0.0, _never, lambda words, seconds: False)
    assert left is None
    assert api.queue() == []


def test_a_ticket_that_is_cleaned_away_is_drawn_anew(
    machine: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "_TOLD_S", 0.0)
    seen: list[Path] = []

    def say(words: str, seconds: float) -> bool:
        found = [path for path in leases.path().iterdir() if "ticket" in path.name]
        for path in found:
            path.unlink()
        seen.extend(found)
        time.sleep(0.01)
        return len(seen) < 2

    with leases.take(KEYS, info={}):
        assert turn.waited(plan, Path("x"), 0.0, _never, say) is None
    assert seen[0] == seen[1]


def test_a_ticket_that_is_one_of_too_many_waits_and_gives_up_like_others(
    machine: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aim_jupyter.core.leases.ticket.MOST_OF_ONE", 0)
    slept = list[float]()

    def say(words: str, seconds: float) -> bool:
        slept.append(seconds)
        return len(slept) < 3

    with leases.take(KEYS, info={}):
        assert turn.waited(plan, Path("x"), 0.0, _never, say) is None
    assert slept == [turn.LOOK_S] * 3


def test_memory_that_somebody_holds_without_a_lease_is_waited_for(
    machine: Path, plan: Plan
) -> None:
    for card in (0, 1):
        used = machine / f"sys/bus/pci/devices/{trees.bdf(card)}/mem_info_vram_used"
        used.write_text(f"{100 << 30}\n")
    folder = launch(plan, "mine")
    until(lambda: "100.0 GiB held" in detail(folder))
    used.write_text("0\n")
    until(lambda: state(folder)[0] == "running")
    assert folder.read().plan.gpus == (1,)


def test_one_who_does_not_wait_takes_nothing_that_is_kept(machine: Path, plan: Plan) -> None:
    assert turn.allowed(plan) is None
    with leases.drawn(Wish(keys=KEYS, count=1, server="theirs"), Path("other")):
        # Of two free ones one is kept.
        assert turn.allowed(plan) == frozenset(KEYS[1:])
        assert list(preflight._kept(plan)) == []
        with leases.drawn(Wish(keys=KEYS, count=1), Path("another")):
            (error,) = preflight._kept(plan)
            assert isinstance(error, GpuUnavailable)
            assert "for theirs, " in error.found
            assert error.found.endswith("2 wait in the line.")
            assert error.hint.endswith("--queue")
            # Where they are held anyway, who holds them is what there is to say.
            with leases.take(KEYS, info={}):
                assert turn.allowed(plan) is None


def test_the_gpus_that_were_asked_for_are_those_that_it_waits_for(
    machine: Path, plan: Plan
) -> None:
    assert turn.wish(plan).keys == KEYS
    asked = replace(plan, asked=("demo", "--gpus", "1"), among=(1,), gpus=(1,))
    assert turn.wish(asked).keys == KEYS[1:]


@pytest.mark.parametrize(
    ("until_", "launched", "expected"),
    [
        ("18:00", (2026, 5, 4, 17, 59), (2026, 5, 4, 18, 0)),
        ("18:00", (2026, 5, 4, 18, 0), (2026, 5, 5, 18, 0)),
        ("0:30", (2026, 5, 31, 23, 0), (2026, 6, 1, 0, 30)),
    ],
)
def test_the_first_such_time_after_the_launch_counts(
    until_: str, launched: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    def at(moment: tuple[int, ...]) -> float:
        return time.mktime((*moment, 0, 0, 0, -1))  # type: ignore[arg-type]

    assert turn._ends_at(until_, at(launched)) == at(expected)
    assert turn._ends_at("", at(launched)) == float("inf")


def test_a_restart_takes_its_own_gpu_before_those_who_wait(
    machine: Path, plan: Plan, fake: FakeEngine
) -> None:
    fake(crash_after_s=1.5)
    mine = serving.launch(replace(plan, server="mine", gpus=(0,), restarts=1))
    until(lambda: state(mine)[0] == "running")
    with leases.drawn(Wish(keys=KEYS, count=2), Path("other")):
        until(lambda: serving.current(mine).restarts == 1 and state(mine)[0] == "running")


def test_no_user_holds_more_than_each_may(machine: Path, plan: Plan) -> None:
    limited = replace(plan, most_held=1, asked=("demo",))
    assert turn.allowed(limited) is None
    with leases.take(KEYS[:1], info={"server": "mine"}) as mine:
        with pytest.raises(GpuUnavailable, match="allows 1 of its GPUs at a time") as caught:
            turn.allowed(limited)
        assert caught.value.hint == "%aim launch demo --queue"
        waits = launch(limited, "waits")
        until(lambda: detail(waits).endswith("you have as many as each user may: 1"))
        mine.release()
    until(lambda: state(waits)[0] == "running")
