"""How many requests are open: against an engine of known capacity, step by step."""

from __future__ import annotations

from aim_jupyter.work.map.pace import BLIND, START, Load, Pace


class Engine:
    """Runs so many at once; what is beyond waits. Everything that runs ends with a step."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.steps, self.preempted = capacity, 0, 0

    def load(self, ours: int, others: int = 0) -> Load:
        self.steps += 1
        running = min(self.capacity, ours + others)
        waiting = ours + others - running
        return Load(running, waiting, running / self.capacity, self.preempted, float(self.steps))


def settled(engine: Engine, pace: Pace, looks: int = 60) -> int:
    for _ in range(looks):
        pace.look(engine.load(pace.target), pace.target)
    return pace.target


def test_it_finds_what_an_engine_can_take_and_keeps_a_little_waiting() -> None:
    for capacity in (3, 44, 256, 1000):
        target = settled(Engine(capacity), Pace())
        assert capacity < target <= 1.5 * capacity + 2


def test_it_follows_an_engine_whose_rows_become_longer() -> None:
    engine, pace = Engine(200), Pace()
    settled(engine, pace)
    engine.capacity = 20
    assert 20 < settled(engine, pace) <= 32


def test_it_steps_down_when_something_is_preempted() -> None:
    engine, pace = Engine(100), Pace()
    settled(engine, pace)
    before, engine.preempted = pace.target, 3
    pace.look(engine.load(pace.target), pace.target)
    assert pace.target < before
    assert pace.why == f"3 preempted, stepped down from {before}"


def test_figures_that_have_not_moved_say_nothing() -> None:
    pace, same = Pace(), Load(START, 0, 0.1, 0, 7.0)
    for _ in range(10):
        pace.look(same, START)
    assert pace.target == 2 * START


def test_what_waits_for_a_moment_is_no_reason_to_ask_less() -> None:
    pace = Pace()
    for moved in range(20):
        # The first of eight is in a step, and the others have come since.
        pace.look(
            Load(1, 7, 0.01, 0, float(moved)) if moved % 2 else Load(7, 0, 0.1, 0, float(moved)),
            START,
        )
    assert pace.target >= START


def test_it_makes_room_for_others_and_comes_back() -> None:
    engine, pace = Engine(44), Pace()
    before = settled(engine, pace)
    for _ in range(3):
        pace.look(engine.load(pace.target, others=2), pace.target)
    assert pace.target == 1
    assert "others use the server" in pace.why
    assert settled(engine, pace) >= before


def test_somebody_who_comes_again_and_again_keeps_the_room() -> None:
    engine, pace = Engine(44), Pace()
    settled(engine, pace)
    for look in range(100):
        pace.look(
            engine.load(pace.target, others=2 if look < 3 or look % 8 == 0 else 0), pace.target
        )
    assert pace.target == 1


def test_without_figures_it_is_fixed() -> None:
    pace = Pace()
    pace.look(None, START)
    assert (pace.target, pace.why) == (BLIND, "the server shows no metrics; fixed")


def test_one_that_came_and_went_between_two_looks_is_seen_by_the_count() -> None:
    engine, pace = Engine(44), Pace()
    settled(engine, pace)
    pace.look(engine.load(pace.target), pace.target, None, 1)
    assert pace.target == 1
    settled(engine, pace, looks=20)
    assert pace.target == 43, "a place is kept free from now on"


def test_two_maps_that_see_each_other_grow_to_equal_shares() -> None:
    engine, one, two = Engine(44), Pace(), Pace()
    for step in range(400):
        ours, theirs = one.target, two.target
        one.look(engine.load(ours, theirs), ours, None, step)
        two.look(engine.load(theirs, ours), theirs, None, step)
    assert one.target + two.target > 20
    assert abs(one.target - two.target) <= 4


def with_people(engine: Engine, pace: Pace, counts: list[int]) -> list[int]:
    targets = []
    for count in counts:
        pace.look(engine.load(pace.target), pace.target, None, 0, count)
        targets.append(pace.target)
    return targets


def test_a_person_is_met_at_the_look_that_counts_them() -> None:
    engine, pace = Engine(44), Pace()
    settled(engine, pace)
    # What was asked before the map came is nobody who waits.
    assert min(with_people(engine, pace, [7] * 3)) > 44
    assert with_people(engine, pace, [8]) == [1]
    assert pace.why == "somebody asks, and goes first"
    assert with_people(engine, pace, [8] * 30)[-1] >= 43


def test_who_asks_again_and_again_keeps_the_engine_for_twice_the_pause() -> None:
    engine, pace = Engine(44), Pace()
    settled(engine, pace)
    counts = [look // 50 for look in range(400)]
    assert set(with_people(engine, pace, counts)[150:]) == {1}
    assert with_people(engine, pace, [counts[-1]] * 130)[-1] >= 43


def test_a_server_that_began_anew_counts_anew() -> None:
    engine, pace = Engine(44), Pace()
    settled(engine, pace)
    assert min(with_people(engine, pace, [9, 9, 0, 0])) > 44


def test_a_program_that_asks_without_a_pause_is_an_equal() -> None:
    engine, pace = Engine(44), Pace()
    settled(engine, pace)
    for count in range(200):
        pace.look(engine.load(pace.target, 20), pace.target, None, 20 * count, 20 * count)
    assert pace.target > 10
