"""Two notebooks never get the same GPU: not under a storm, not under kills, not across users."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aim_jupyter.core import leases
from aim_jupyter.core.errors import GpuUnavailable
from tests.core.leases.children import ALICE, BOB, CAROL, A, B, C, child, done, line, needs_root

WORKER = Path(__file__).with_name("lease_worker.py")


# -- one process ---------------------------------------------------------------------------------


def test_a_lease_is_seen_with_its_holder_and_gone_after_release() -> None:
    lease = leases.take([B, A], info={"server": "qwen3-8b", "model": "Qwen/Qwen3-8B"})
    assert lease.keys == (A, B)
    seen = leases.holders()
    assert sorted(seen) == [A, B]
    holder = seen[A]
    assert (holder.server, holder.model, holder.pid, holder.uid) == (
        "qwen3-8b",
        "Qwen/Qwen3-8B",
        os.getpid(),
        os.getuid(),
    )
    assert holder.age_s is not None
    assert 0 <= holder.age_s < 10
    lease.release()
    lease.release()  # twice is once
    assert leases.holders() == {}


def test_a_second_taker_is_told_who_holds_and_gets_nothing_of_the_rest() -> None:
    with leases.take([B], info={"server": "llama-3.3-70b"}):
        with pytest.raises(GpuUnavailable) as caught:
            leases.take([A, B, C], info={})
        assert B in caught.value.found
        assert "llama-3.3-70b" in caught.value.found
        assert sorted(leases.holders()) == [B]
    leases.take([A, B, C], info={}).release()


def test_describing_again_keeps_when_it_was_taken() -> None:
    with leases.take([A], info={"server": "x"}) as lease:
        since = leases.holders()[A].since
        lease.describe(pid=4711, server="a-longer-name-than-before")
        lease.describe(server="short")
        holder = leases.holders()[A]
        assert (holder.pid, holder.server, holder.since) == (4711, "short", since)


def test_a_key_is_never_a_path() -> None:
    for key in ("../../etc/passwd", "", ".", "a/b", "a\0b"):
        with pytest.raises(ValueError, match="key"):
            leases.take([key], info={})


def test_looking_never_makes_a_taker_fail() -> None:
    lookers = [child("while True: leases.holders()") for _ in range(3)]
    try:
        for _ in range(300):
            leases.take([A, B, C], info={}).release()
    finally:
        for looker in lookers:
            looker.kill()
            looker.communicate()


# -- processes -----------------------------------------------------------------------------------


def test_a_lease_lasts_as_long_as_the_engine_that_inherited_it() -> None:
    supervisor = child(
        f"lease = leases.take([{A!r}], info={{'server': 'engine'}})\n"
        "engine = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " stdout=subprocess.DEVNULL, pass_fds=lease.fds)\n"
        "print(engine.pid, flush=True)\ntime.sleep(60)\n"
    )
    engine = int(line(supervisor))
    supervisor.kill()
    supervisor.communicate()
    try:
        with pytest.raises(GpuUnavailable, match="engine"):
            leases.take([A], info={})
    finally:
        os.kill(engine, signal.SIGKILL)
    leases.take([A], info={}, patience_s=60).release()


def test_releasing_does_not_take_the_lease_from_a_living_engine() -> None:
    lease = leases.take([A], info={"server": "mine"})
    engine = child("print('up', flush=True); sys.stdin.read()", fds=lease.fds)
    assert line(engine) == "up"
    lease.release()
    assert leases.holders()[A].server == "mine"
    done(engine)
    assert leases.holders() == {}


def overlaps(record: Path) -> list[tuple[str, int]]:
    """Return the devices that two holders had at one time, with how many nanoseconds."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for entry in record.read_text().splitlines():
        key, began, ended = entry.split()
        spans.setdefault(key, []).append((int(began), int(ended)))
    found = []
    for key, held in spans.items():
        until = 0
        for start, end in sorted(held):
            if start < until:
                found.append((key, until - start))
            until = max(until, end)
    return found


def storm(record: Path, *, processes: int, rounds: int, apart: bool = False) -> list[list[int]]:
    record.touch()
    workers = []
    for seed in range(processes):
        env = dict(os.environ)
        if apart:
            env["AIM_LEASE_DIR"] = str(record.with_name(f"apart-{seed}"))
        workers.append(
            subprocess.Popen(
                [sys.executable, WORKER, record, str(seed), str(rounds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=env,
            )
        )
    # None begins before all are there, or the first may have ended before the last has started.
    assert [line(worker) for worker in workers] == ["there"] * processes
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.close()
        worker.stdin = None
    outs = [worker.communicate(timeout=250)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * processes
    return [[int(word) for word in out.split()] for out in outs]


@pytest.mark.parametrize(("processes", "rounds"), [(8, 100), (16, 500)])
def test_no_device_is_held_twice_in_a_storm_of_processes_and_kills(
    processes: int, rounds: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "record"
    began = time.monotonic()
    counts = storm(record, processes=processes, rounds=rounds)
    dropped, killed = (sum(column) for column in zip(*counts, strict=True))
    with capsys.disabled():
        sys.stdout.write(
            f"\n{processes} processes x {rounds} leases of 1 to 8 devices,"
            f" {time.monotonic() - began:.1f} s:"
            f" {dropped} dropped, {killed} ended by SIGKILL while held,"
            f" {len(record.read_text().splitlines())} holds of one device on record\n"
        )
    assert dropped + killed == processes * rounds
    assert killed > processes * rounds / 4
    assert overlaps(record) == []
    assert leases.holders() == {}
    leases.take([f"0000:{bus:02x}:00.0-0" for bus in range(3, 67, 8)], info={}).release()


def test_the_record_would_show_a_device_held_twice(tmp_path: Path) -> None:
    # The same storm with a folder each, so that nobody sees the others' leases.
    record = tmp_path / "record"
    storm(record, processes=4, rounds=100, apart=True)
    assert overlaps(record)


# -- two users -----------------------------------------------------------------------------------


BREAK = f"""
def attempt(name, *args):
    try:
        getattr(os, name)(*args)
        return name + ' worked'
    except OSError as error:
        return type(error).__name__
place = os.environ['AIM_LEASE_DIR']
lock, claim = place + '/{A}.lock', place + '/{A}.{ALICE}'
print(attempt('unlink', claim), attempt('rename', claim, claim + 'x'),
      attempt('truncate', claim, 0), attempt('chmod', claim, 0o666),
      attempt('kill', int(sys.argv[1]) if len(sys.argv) > 1 else 1, 9))
"""


@needs_root
def test_two_users_see_each_others_leases_and_cannot_break_them(folder: Path) -> None:
    alice = child(
        f"lease = leases.take([{A!r}], info={{'server': 'alices'}})\n"
        "print(os.getuid(), flush=True); sys.stdin.read()",
        user=ALICE,
    )
    assert line(alice) == str(ALICE)
    seen = done(
        child(
            f"h = leases.holders()[{A!r}]; print(h.uid, h.user, h.server, h.pid)\n"
            f"try: leases.take([{A!r}], info={{}})\n"
            "except GpuUnavailable as error: print(error)",
            user=BOB,
        )
    )
    assert f"{ALICE} uid {ALICE} alices {alice.pid}" in seen
    assert f"{A} is leased by uid {ALICE} for alices (pid {alice.pid})." in seen
    assert "worked" not in done(child(BREAK, user=BOB))
    assert leases.holders()[A].server == "alices"
    done(alice)
    taken = f"leases.take([{A!r}], info={{}}); print(leases.holders()[{A!r}].uid)"
    assert done(child(taken, user=BOB)) == str(BOB)
    assert leases.holders() == {}
    assert (folder / f"{A}.lock").stat().st_uid == ALICE


@needs_root
def test_the_owner_of_a_lock_file_cannot_take_the_device_from_its_holder() -> None:
    # Bob made the file, so the sticky folder lets him remove it, while Alice holds the lease.
    done(child(f"leases.take([{A!r}], info={{}})", user=BOB))
    alice = child(
        f"lease = leases.take([{A!r}], info={{'server': 'alices'}})\n"
        "print('held', flush=True); sys.stdin.read()",
        user=ALICE,
    )
    assert line(alice) == "held"
    again = (
        f"os.unlink(os.environ['AIM_LEASE_DIR'] + '/{A}.lock')\n"
        f"try: leases.take([{A!r}], info={{}}); print('broken')\n"
        "except GpuUnavailable as error: print(error)"
    )
    assert "alices" in done(child(again, user=BOB))
    third = (
        f"try: leases.take([{A!r}], info={{}}); print('broken')\n"
        "except GpuUnavailable: print('refused')"
    )
    assert done(child(third, user=CAROL)) == "refused"
    done(alice)
