"""A process of the lease storm: takes and drops devices, and writes down what it held.

Run as ``lease_worker.py RECORD SEED ROUNDS``; it begins when its standard input ends. The record
is the independent proof: one line per device and hold, ``<key> <from> <to>``, in nanoseconds of the
monotonic clock that all processes share. ``from`` is read after taking and ``to`` before letting go
(or before the kill is sent), so each line lies within the true hold, and two lines that overlap are
a device held twice.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from aim_jupyter.core import leases

KEYS = [f"0000:{bus:02x}:00.0-0" for bus in range(3, 67, 8)]


def write(record: int, keys: tuple[str, ...], began: int, ended: int) -> None:
    os.write(record, "".join(f"{key} {began} {ended}\n" for key in keys).encode())


def take(rng: random.Random) -> leases.Lease:
    # A deadlock, or a lease left behind, shows as GpuUnavailable after two minutes.
    wanted = rng.sample(KEYS, rng.randint(1, 8))
    return leases.take(wanted, info={"server": "storm"}, patience_s=120)


def hold(record: int, rng: random.Random) -> None:
    lease = take(rng)
    began = time.monotonic_ns()
    time.sleep(rng.uniform(0, 0.0005))
    write(record, lease.keys, began, time.monotonic_ns())
    lease.release()


def hold_until_killed(record: int, rng: random.Random) -> None:
    """Let a child take the lease, and end it by SIGKILL while it holds."""
    theirs, ours = os.pipe()
    child = fork_holder(rng, ours)
    os.close(ours)
    began, *keys = os.read(theirs, 1 << 12).decode().split()
    time.sleep(rng.uniform(0, 0.0005))
    ended = time.monotonic_ns()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(theirs)
    write(record, tuple(keys), int(began), ended)


def kill_anywhere(rng: random.Random) -> None:
    """End a child by SIGKILL wherever it is: before, while or after taking."""
    theirs, ours = os.pipe()
    child = fork_holder(rng, ours)
    time.sleep(rng.uniform(0, 0.002))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(ours)
    os.close(theirs)


def fork_holder(rng: random.Random, tell: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        lease = take(rng)
        os.write(tell, f"{time.monotonic_ns()} {' '.join(lease.keys)}".encode())
        signal.pause()
    finally:
        os._exit(1)


def main() -> None:
    path, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    record = os.open(path, os.O_WRONLY | os.O_APPEND)
    killed = 0
    sys.stdout.write("there\n")
    sys.stdout.flush()
    sys.stdin.read()
    for turn in range(rounds):
        if rng.random() < 1 / 3:
            hold_until_killed(record, rng)
            killed += 1
        else:
            hold(record, rng)
        if turn % 10 == 0:
            kill_anywhere(rng)
    sys.stdout.write(f"{rounds - killed} {killed}")


if __name__ == "__main__":
    main()
