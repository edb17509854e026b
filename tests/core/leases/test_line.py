"""Whose turn it is, worked out from who waits and who holds: nothing else decides."""

from __future__ import annotations

import itertools
import math
import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core.leases.holder import Holder
from aim_jupyter.core.leases.line import MOST, ordered, turns
from aim_jupyter.core.leases.ticket import Ticket

NOW = 1_000_000.0
KEYS = tuple(f"0000:{number:02x}:00.0-0" for number in range(8))
_NUMBERS = itertools.count()


def ticket(
    uid: int = 1,
    count: int = 1,
    *,
    at: float = 0.0,
    lasts_s: float | None = None,
    keys: tuple[str, ...] = KEYS,
) -> Ticket:
    name = f"ticket-{uid}-{next(_NUMBERS):06}"
    return Ticket(
        name=name, uid=uid, user=f"u{uid}", at=at, keys=keys, count=count, lasts_s=lasts_s
    )


def held(*keys: str, until: float | None = None, uid: int = 9) -> dict[str, Holder]:
    return {key: Holder(key=key, uid=uid, since=NOW - 60, until=until) for key in keys}


def test_first_come_first_served() -> None:
    line = [ticket(), ticket(), ticket()]
    first, second, third = turns(line, held(*KEYS[2:]), NOW)
    assert (first.keys, second.keys, third.keys) == (KEYS[:2], KEYS[1:2], ())
    assert [one.place for one in (first, second, third)] == [1, 2, 3]
    assert (first.expected_at, third.expected_at) == (NOW, None)


def test_one_who_had_more_than_a_share_stands_behind_those_who_had_less() -> None:
    glutton, other, third = ticket(1, at=1.0), ticket(2, at=2.0), ticket(3, at=3.0)
    assert ordered([third, other, glutton], {}, {}) == [glutton, other, third]
    assert ordered([third, other, glutton], {}, {1: 100.0}) == [other, third, glutton]
    # One user alone, and users who had the same, have had no more than a share.
    assert ordered([glutton], {}, {1: 100.0}) == [glutton]
    assert ordered([other, glutton], {}, {1: 0.1, 2: 0.1, 3: 0.1}) == [glutton, other]


def test_who_has_fewer_now_comes_first_and_who_asks_for_several_is_served_one_at_a_time() -> None:
    first, again, more = (ticket(1, at=at) for at in (1.0, 2.0, 3.0))
    other, late = ticket(2, at=4.0), ticket(3, 2, at=5.0)
    assert ordered([first, again, more, other, late], {}, {}) == [first, other, late, again, more]
    assert ordered([first, other], held(KEYS[0], uid=1), {}) == [other, first]


def test_a_short_one_passes_a_large_one_only_where_that_delays_nothing() -> None:
    end = NOW + 3600
    busy = held(*KEYS[3:], until=end)
    large = ticket(1, 8)
    fits, too_long, endless = (ticket(2, lasts_s=s) for s in (3600.0, 3601.0, None))
    assert [one.keys for one in turns([large, fits], busy, NOW)] == [(), KEYS[:3]]
    assert [one.keys for one in turns([large, too_long], busy, NOW)] == [(), ()]
    assert [one.keys for one in turns([large, endless], busy, NOW)] == [(), ()]
    assert turns([large], busy, NOW)[0].expected_at == end


def test_where_the_large_ones_turn_is_unknown_only_what_ends_may_pass() -> None:
    busy = held(*KEYS[3:])
    large = ticket(1, 8)
    short, endless = ticket(2, lasts_s=60.0), ticket(3)
    found = turns([large, endless, short], busy, NOW)
    assert [one.keys for one in found] == [(), (), KEYS[:3]]
    assert [one.expected_at for one in found] == [None, None, NOW]


def test_what_the_large_one_does_not_need_is_free_for_all() -> None:
    busy = held(KEYS[0], until=NOW + 3600)
    large = ticket(1, 2, keys=KEYS[:2])
    found = turns([large, ticket(2)], busy, NOW)
    assert found[1].keys == KEYS[2:]


def test_what_is_overdue_is_about_to_end_not_free() -> None:
    busy = held(*KEYS, until=NOW - 5)
    (found,) = turns([ticket()], busy, NOW)
    assert found.keys == ()
    assert found.expected_at is not None
    assert NOW < found.expected_at <= NOW + 60


def test_nothing_is_kept_for_one_who_does_not_take_it() -> None:
    stalled, next_one = ticket(), ticket()
    busy = held(*KEYS[1:])
    assert [one.keys for one in turns([stalled, next_one], busy, NOW)] == [KEYS[:1], ()]
    passed = frozenset([stalled.name])
    found = turns([stalled, next_one], busy, NOW, passed=passed)
    assert [one.keys for one in found] == [(), KEYS[:1]]


def test_a_crowd_is_not_worked_out_to_its_end() -> None:
    found = turns([ticket() for _ in range(MOST + 5)], {}, NOW)
    assert [len(one.keys) > 0 for one in found] == [True] * 8 + [False] * (MOST - 3)
    assert found[-1].place == MOST + 5


tickets = st.lists(
    st.builds(
        ticket,
        st.integers(1, 4),
        st.integers(1, 8),
        lasts_s=st.one_of(st.none(), st.floats(1, 1e5)),
    ),
    max_size=12,
)
holds = st.dictionaries(
    st.sampled_from(KEYS), st.one_of(st.none(), st.floats(NOW - 100, NOW + 1e5)), max_size=8
)


@given(tickets, holds)
def test_no_device_is_for_two_and_no_turn_delays_one_before_it(
    line: list[Ticket], ends: dict[str, float | None]
) -> None:
    busy = {key: one for key, end in ends.items() for one in held(key, until=end).values()}
    holders = {key: Holder(key=key, uid=9, until=ends[key]) for key in ends}
    found = turns(line, holders, NOW)
    assert set(busy) == set(holders)
    taken: set[str] = set()
    for turn in found:
        assert not set(turn.keys) & set(holders)
        mine = turn.keys[: turn.ticket.count]
        assert not taken & set(mine)
        taken.update(mine)
    # Without those who came later nobody's turn would be sooner.
    for number in range(len(line)):
        assert turns(line[: number + 1], holders, NOW)[number] == found[number]


@given(tickets, holds, st.randoms(use_true_random=False))
def test_whoever_is_served_the_first_is_never_later_than_was_said(
    line: list[Ticket], ends: dict[str, float | None], draw: random.Random
) -> None:
    """Play the line to its end: holders end when they said, and each takes what is its turn."""
    now = NOW
    holders = {key: Holder(key=key, uid=9, until=end) for key, end in ends.items() if end}
    line = [one for one in line if one.lasts_s is not None]
    promised = {one.ticket.name: one.expected_at or math.inf for one in turns(line, holders, now)}
    while line:
        now_turns = [one for one in turns(line, holders, now) if one.keys]
        if now_turns:
            turn = now_turns[0]
            mine = draw.sample(turn.keys, turn.ticket.count) if len(now_turns) == 1 else turn.keys
            for key in mine[: turn.ticket.count]:
                assert key not in holders
                end = now + (turn.ticket.lasts_s or 0.0)
                holders[key] = Holder(key=key, uid=turn.ticket.uid, until=end)
            line.remove(turn.ticket)
            assert now <= promised[turn.ticket.name] + 61.0
        else:
            now = min(max(one.until or 0.0, now) for one in holders.values())
            holders = {key: one for key, one in holders.items() if (one.until or 0.0) > now}


Job = tuple[float, float, Ticket, tuple[str, ...]]
"""When it began and will end, whose it is, and on which devices."""


class Node:
    """A node of eight devices in virtual time: users who want more than there is, for two hours.

    Each user has so many requests at a time, each for so many devices, one after the other. Jobs
    say an end, as under a longest lifetime, and end before. Who is in turn takes it half a second
    later. Some are killed, waiting or holding, and ask again: of what they held the last minute is
    not counted.
    """

    LAST_S = 7200.0
    LASTS_S = (60.0, 240.0)
    KILLS_EACH_S = 120.0

    def __init__(self, users: list[tuple[int, int]], seed: int) -> None:
        self.draw, self.users = random.Random(seed), users
        self.now = 0.0
        self.waiting: list[Ticket] = []
        self.running: list[Job] = []
        self.held: dict[str, Holder] = {}
        self.counted_s = dict.fromkeys(range(len(users)), 0.0)
        self.had_s = dict.fromkeys(range(len(users)), 0.0)
        self.longest_wait_s = 0.0

    def run(self) -> None:
        for uid, (slots, _) in enumerate(self.users):
            for _ in range(slots):
                self.ask(uid)
        kills_at = self.KILLS_EACH_S
        while self.now < self.LAST_S:
            self.serve()
            ends_at = min(ended for _, ended, _, _ in self.running)
            if kills_at < ends_at:
                self.now, kills_at = kills_at, kills_at + self.KILLS_EACH_S
                self.kill()
            else:
                self.now = ends_at
                self.end(min(self.running, key=lambda job: job[1]))
        for job in list(self.running):
            self.count(job, self.now - job[0])

    def ask(self, uid: int) -> None:
        said_s = self.draw.uniform(*self.LASTS_S)
        self.waiting.append(ticket(uid, self.users[uid][1], at=self.now, lasts_s=said_s))

    def serve(self) -> None:
        """Let all whose turn it is take what they may, each half a second after it could."""
        while True:
            line = ordered(self.waiting, self.held, self.counted_s)
            turn = next((one for one in turns(line, self.held, self.now) if one.keys), None)
            if turn is None:
                return
            self.now += 0.5
            mine, lasts_s = turn.ticket, turn.ticket.lasts_s or 0.0
            self.longest_wait_s = max(self.longest_wait_s, self.now - mine.at)
            keys = tuple(self.draw.sample(turn.keys, mine.count))
            for key in keys:
                assert key not in self.held
                self.held[key] = Holder(key=key, uid=mine.uid, until=self.now + lasts_s)
            self.waiting.remove(mine)
            ends_at = self.now + lasts_s * self.draw.uniform(0.6, 1.0)
            self.running.append((self.now, ends_at, mine, keys))

    def count(self, job: Job, held_s: float, *, killed: bool = False) -> None:
        _, _, mine, keys = job
        self.running.remove(job)
        self.counted_s[mine.uid] += (held_s // 60 * 60 if killed else held_s) * mine.count
        self.had_s[mine.uid] += held_s * mine.count
        for key in keys:
            del self.held[key]

    def end(self, job: Job, *, killed: bool = False) -> None:
        self.count(job, self.now - job[0], killed=killed)
        self.ask(job[2].uid)

    def kill(self) -> None:
        """Kill one who waits or holds: the place in the line is lost, or what was held is free."""
        at = self.draw.randrange(len(self.waiting) + len(self.running))
        if at < len(self.waiting):
            self.ask(self.waiting.pop(at).uid)
        else:
            self.end(self.running[at - len(self.waiting)], killed=True)


@pytest.mark.parametrize("seed", range(2))
def test_two_hours_of_twenty_users_give_each_the_same_share(seed: int) -> None:
    users = [(1, 1)] * 8 + [(3, 1)] * 6 + [(4, 1)] * 4 + [(1, 4)] * 2
    node = Node(users, seed)
    node.run()
    mean_s = sum(node.had_s.values()) / len(users)
    shares = [round(100 * had_s / mean_s) for had_s in node.had_s.values()]
    sys.stdout.write(f"{shares} %, longest wait {node.longest_wait_s / 60:.0f} min\n")
    for uid, had_s in node.had_s.items():
        # What is given is given by the job, and half of one may be too much or too little.
        job_s = Node.LASTS_S[1] * users[uid][1]
        assert abs(had_s - mean_s) <= 0.1 * mean_s + job_s / 2
    assert node.longest_wait_s < node.LAST_S / 2


def test_one_who_has_as_many_as_each_may_waits_and_keeps_nobody() -> None:
    busy = held(KEYS[0], uid=1)
    full = replace(ticket(1, at=1.0), most=1)
    again, other = replace(ticket(2, at=2.0), most=1), ticket(3, at=3.0)
    more = replace(ticket(2, at=2.5), most=1)
    found = {one.ticket.name: one.keys for one in turns([full, again, more, other], busy, NOW)}
    assert found == {
        full.name: (),
        again.name: KEYS[1:],
        more.name: (),
        other.name: KEYS[2:],
    }
    assert turns([full], {}, NOW)[0].keys == KEYS
