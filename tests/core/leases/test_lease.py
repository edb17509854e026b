"""Two notebooks never get the same GPU: not under a storm, not under kills, not across users."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import leases, users
from aim_jupyter.core.errors import GpuUnavailable, StateUnusable

WORKER = Path(__file__).with_name("lease_worker.py")
A, B, C = (f"0000:{bus}:00.0-0" for bus in ("0c", "22", "38"))


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not tmp_path: that is 0700, and other users have to get in.
    place = Path(tempfile.mkdtemp(prefix="leases-", dir="/tmp"))
    place.chmod(0o1777)
    monkeypatch.setenv("AIM_LEASE_DIR", str(place))
    monkeypatch.delenv("AIM_SYS_ROOT", raising=False)
    yield place
    shutil.rmtree(place, ignore_errors=True)


Child = subprocess.Popen[str]


def child(code: str, *, user: int | None = None, fds: tuple[int, ...] = ()) -> Child:
    """Start a Python that imports the leases and runs `code`; it talks by lines."""
    # Imported before the user changes: root's interpreter may lie where others can't read.
    become = f"os.setgroups([]); os.setgid({user}); os.setuid({user})\n" if user else ""
    script = (
        "import fcntl, json, os, subprocess, sys, time\nfrom aim_jupyter.core import leases\n"
        "from aim_jupyter.core.errors import GpuUnavailable\nos.chdir('/')\n" + become + code
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=fds,
    )


def line(process: Child) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def done(process: Child) -> str:
    out, _ = process.communicate("", timeout=120)
    return out.strip()


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


def test_nonsense_in_a_claim_is_not_believed_but_the_lock_is(folder: Path) -> None:
    with leases.take([A], info={}):
        claim = folder / f"{A}.{os.getuid()}"
        for text in (b"", b"{", b"\xff\xfe", b'{"pid": "root"}', b"[]", b"0" * 100_000):
            claim.write_bytes(text)
            assert leases.holders()[A].server is None
        claim.write_text(json.dumps({"server": "\x1b[31mred", "pid": -1, "since": 1e12}))
        holder = leases.holders()[A]
        assert (holder.server, holder.pid) == (None, None)
        assert holder.since is not None
        assert holder.since <= time.time()


def test_a_lock_file_that_was_removed_does_not_free_the_device(folder: Path) -> None:
    with leases.take([A], info={"server": "first"}):
        (folder / f"{A}.lock").unlink()
        with pytest.raises(GpuUnavailable, match="first"):
            leases.take([A], info={})


def test_links_and_pipes_in_place_of_files_take_nothing(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (folder / f"{A}.lock").symlink_to(victim)
    os.mkfifo(folder / f"{B}.lock")
    (folder / f"{C}.{os.getuid()}").symlink_to(victim)
    for key in (A, B):
        with pytest.raises(GpuUnavailable):
            leases.take([key], info={})
    with leases.take([C], info={"server": "beside"}):  # the squatted claim is passed over
        assert leases.holders()[C].server == "beside"
    assert victim.read_text() == "keep"


def test_a_folder_that_is_a_link_or_open_to_vandals_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    monkeypatch.setenv("AIM_LEASE_DIR", str(link))
    with pytest.raises(StateUnusable, match="link"):
        leases.take([A], info={})
    with pytest.raises(StateUnusable, match="link"):
        leases.holders()
    monkeypatch.setenv("AIM_LEASE_DIR", str(folder))
    folder.chmod(0o777)
    with pytest.raises(StateUnusable, match="sticky"):
        leases.take([A], info={})


def test_the_folder_is_made_for_all_users_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "new"))
    before = os.umask(0o077)
    try:
        leases.take([A], info={}).release()
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o1777
    assert (tmp_path / "new" / f"{A}.lock").stat().st_mode & 0o777 == 0o666


def test_no_folder_is_no_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "none"))
    assert leases.holders() == {}
    assert not (tmp_path / "none").exists()


def test_a_captured_machine_has_leases_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with leases.take([A], info={"server": "real"}):
        monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
        assert leases.holders() == {}
        with leases.take([A], info={"server": "captured"}):
            assert leases.holders()[A].server == "captured"
            with pytest.raises(GpuUnavailable, match="captured"):
                leases.take([A], info={})
        monkeypatch.delenv("AIM_SYS_ROOT")
        assert leases.holders()[A].server == "real"


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

ALICE, BOB, CAROL = 64001, 64002, 64003
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")

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


@needs_root
def test_a_claim_made_in_anothers_name_is_not_believed() -> None:
    squat = (
        f"import fcntl\nname = os.environ['AIM_LEASE_DIR'] + '/{A}.{ALICE}'\n"
        "handle = os.open(name, os.O_CREAT | os.O_RDWR, 0o666)\n"
        'os.write(handle, b\'{"server": "forged"}\')\n'
    )
    done(child(squat, user=BOB))
    alice = child(
        f"lease = leases.take([{A!r}], info={{'server': 'alices'}})\n"
        "print('held', flush=True); sys.stdin.read()",
        user=ALICE,
    )
    assert line(alice) == "held"
    holder = leases.holders()[A]
    assert (holder.uid, holder.server) == (ALICE, "alices")
    done(alice)


@needs_root
def test_a_lock_file_that_nobody_else_may_open_is_named(folder: Path) -> None:
    (folder / f"{A}.lock").touch(mode=0o600)
    code = f"try: leases.take([{A!r}], info={{}})\nexcept GpuUnavailable as error: print(error)"
    assert f"root has put a closed file in the place of {A}.lock" in done(child(code, user=ALICE))


@needs_root
@pytest.mark.parametrize("what", ["mkdir", "mkfifo", "symlink"])
def test_whoever_blocks_a_lock_is_named(folder: Path, what: str) -> None:
    file = folder / f"{A}.lock"
    if what == "symlink":
        file.symlink_to("/etc/passwd")
    else:
        getattr(os, what)(file)
    os.chown(file, BOB, -1, follow_symlinks=False)
    with pytest.raises(
        GpuUnavailable, match=rf"has put a \w.* in the place of {A}\.lock"
    ) as caught:
        leases.take([A], info={})
    assert users.name(BOB) in str(caught.value)


@needs_root
def test_a_folder_of_another_user_is_refused_with_the_line_that_mends_it(folder: Path) -> None:
    os.chown(folder, BOB, -1)
    with pytest.raises(StateUnusable, match=f"belongs to {users.name(BOB)}") as caught:
        leases.take([A], info={})
    assert f"sudo install -d -o root -g root -m 1777 {folder}" in caught.value.hint
    subprocess.run(caught.value.hint.partition(": sudo ")[2].split(), check=True)
    leases.take([A], info={}).release()
