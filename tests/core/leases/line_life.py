"""Twenty users of one node, each a real one, who want more than there is: run as a program.

Run as ``line_life.py RECORD SECONDS SEED``. A minute on the node is two seconds here. Some users
have one request after the other, some three or four at a time; some want several devices. Who waits
and who holds is killed at random, and comes again; once the node is rebooted on paper: all is
killed, and the folder of the leases is empty. The record is a line an event, in seconds of the
monotonic clock that all processes share: ``asked``, ``took``, ``left`` and ``killed``, with
``user.slot`` and the devices. ``idle`` is how long at most a device was free while somebody waited
whom it would have done, and for how long this program itself stood still at most.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, cast

from aim_jupyter.core import gpus, leases
from aim_jupyter.core.leases import Lease, Wish, usage
from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving.start import turn

FIRST_USER = 64101
#: Requests at a time of each user; devices of each request; seconds that it lasts, from and to.
USERS = tuple((1, 1) for _ in range(8)) + ((3, 1),) * 6 + ((4, 1),) * 4 + ((1, 4),) * 2
LASTS_S = {1: (1.5, 4.0), 4: (0.8, 1.6)}
KILLS_EACH_S = 4.0
COUNTED_S = 0.2
LOOK_S = 0.1


class Asker(NamedTuple):
    """One user's request after the other."""

    user: int
    slot: int
    devices: int

    @property
    def name(self) -> str:
        return f"{self.user}.{self.slot}"


def note(record: int, what: str, asker: Asker, keys: tuple[str, ...] = ()) -> None:
    os.write(record, f"{time.monotonic()} {what} {asker.name} {','.join(keys)}\n".encode())


def live(asker: Asker, record: int, keys: tuple[str, ...], seed: int, end: float) -> None:
    """Ask, wait, hold, let go; again and again."""
    os.setgroups([])
    os.setgid(FIRST_USER + asker.user)
    os.setuid(FIRST_USER + asker.user)
    draw = random.Random(seed)
    waits = turn._Waiter(cast(Plan, SimpleNamespace(until="")), float("inf"), unset, say)
    number = 0
    while time.monotonic() < end:
        number += 1
        lasts_s = draw.uniform(*LASTS_S[asker.devices])
        # As under a longest lifetime, all have said an end, and most end before.
        said_s = lasts_s * draw.uniform(1.0, 1.5)
        info = {"server": asker.name, "until": time.time() + said_s}
        wish = Wish(
            keys=keys, count=asker.devices, launch=str(number), lasts_s=said_s, server=asker.name
        )

        def take(free: frozenset[str], info: dict[str, object] = info) -> Lease:
            return leases.take(draw.sample(sorted(free), asker.devices), info=info)

        waits._take = take
        note(record, "asked", asker)
        with leases.drawn(wish, Path(asker.name)) as ticket:
            lease = waits.wait(ticket)
        if lease is None:
            return
        note(record, "took", asker, lease.keys)
        hold(asker.devices, lasts_s)
        note(record, "left", asker, lease.keys)
        lease.release()


def hold(count: int, lasts_s: float) -> None:
    """Hold devices as a supervisor does that looks after its server."""
    usage.EACH_S = COUNTED_S
    end = time.monotonic() + lasts_s
    with leases.Meter(count) as meter:
        while (left_s := end - time.monotonic()) > 0:
            time.sleep(min(left_s, COUNTED_S))
            meter.tick()


def unset(_keys: frozenset[str]) -> Lease:
    raise AssertionError


def say(_words: str, seconds: float) -> bool:
    time.sleep(seconds)
    return True


def born(asker: Asker, record: int, keys: tuple[str, ...], seed: int, end: float) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            live(asker, record, keys, seed, end)
            code = 0
        finally:
            os._exit(code)
    return pid


class Node:
    """All that lives on it."""

    def __init__(self, record: int, seconds: float, seed: int) -> None:
        self.record, self.draw = record, random.Random(seed)
        self.keys = tuple(str(gpu.key) for gpu in gpus.machine().gpus)
        self.end = time.monotonic() + seconds
        self.askers: dict[int, Asker] = {}
        self.free_since: dict[str, float] = {}
        self.idle_s = self.late_s = 0.0

    def start(self) -> None:
        for user, (slots, count) in enumerate(USERS):
            for slot in range(slots):
                self.bear(Asker(user, slot, count))

    def bear(self, asker: Asker) -> None:
        seed = self.draw.randrange(1 << 32)
        self.askers[born(asker, self.record, self.keys, seed, self.end)] = asker

    def kill(self, pid: int) -> Asker:
        asker = self.askers.pop(pid)
        note(self.record, "killed", asker)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return asker

    def look(self) -> None:
        """See for how long somebody has been waiting whose turn it is."""
        now = time.monotonic()
        theirs = {one.ticket.name: one for one in leases.now()[0] if one.keys}
        self.free_since = {name: self.free_since.get(name, now) for name in theirs}
        for since in self.free_since.values():
            self.idle_s = max(self.idle_s, now - since)

    def reboot(self) -> None:
        askers = [self.kill(pid) for pid in list(self.askers)]
        for file in leases.path().iterdir():
            file.unlink()
        os.write(self.record, f"{time.monotonic()} rebooted - \n".encode())
        self.free_since = {}
        for asker in askers:
            self.bear(asker)

    def run(self) -> None:
        self.start()
        reboots_at = time.monotonic() + (self.end - time.monotonic()) / 12
        kills_at = time.monotonic() + KILLS_EACH_S
        while (now := time.monotonic()) < self.end:
            self.look()
            if now > kills_at:
                kills_at = now + KILLS_EACH_S
                self.bear(self.kill(self.draw.choice(sorted(self.askers))))
            if now > reboots_at:
                reboots_at = float("inf")
                self.reboot()
            time.sleep(LOOK_S)
            self.late_s = max(self.late_s, time.monotonic() - now - LOOK_S)
        for pid in list(self.askers):
            self.kill(pid)
        os.write(self.record, f"{time.monotonic()} idle {self.idle_s} {self.late_s}\n".encode())


def main(record: str, seconds: str, seed: str) -> None:
    handle = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    Node(handle, float(seconds), int(seed)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
