"""Chaos: launches, stops, attaches and kills at random, from several kernels at once.

Run by root, the state lies on a small disk that is full in some rounds, or has no inodes left.
After each round it is checked that no process of an engine is left that nobody supervises, that no
GPU is held twice or by a server that has ended, that every state is true, and that no line of a log
was lost or counted twice; an engine that wrote to a full disk has lost its own::

    python -m aim_jupyter.testing.chaos --rounds 200            # with the fake engine
    python -m aim_jupyter.testing.chaos --rounds 20 --real      # with the installed vLLM

What is done is drawn from the seed alone, in terms of names and roles, so that a run with the seed
of a failure does the same again; what the machine makes of it in time is its own. The seed is
printed first, and with the line to replay it when a round fails. ``AIM_SYS_ROOT`` may name a
captured machine: its GPUs are then leased.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import secrets
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core import gpus, leases, serving
from aim_jupyter.core.adapters import Health
from aim_jupyter.core.errors import ServerGone, UnknownName
from aim_jupyter.core.records import Plan, ServerRecord
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.state.process import alive, members
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.testing.census import MARK, census
from aim_jupyter.testing.disk import FAULTS, Disk, Fault
from aim_jupyter.testing.kernel import Kernel, Order, Violation
from aim_jupyter.testing.plans import fake_plans, real_plans

#: Promises: seconds after which every state is true, and nothing is left that nobody supervises.
TRUE_S = 2.0
ORPHANS_S = 10.0
#: Seconds for which a GPU may be free while somebody waits whom it would do.
IDLE_S = 3.0
#: An order that is not obeyed by then hangs.
HANGS_S = 120.0
#: How often each plan is drawn: most are well.
_WEIGHTS = (8, 2, 2, 2, 1, 1, 1, 1)
_VICTIMS = ("supervisor", "keeper", "api", "worker", "kernel")


class Chaos:
    """A run of rounds.

    Parameters
    ----------
    seed : int
    plans : sequence of Plan
        What a launch may start; which one, and under which name and on which GPU, is drawn.
    names : sequence of str
        Of the servers.
    kernels : int
    settle_s : float
        Up to so many seconds a round lets servers start before it goes on.
    disk : Disk, optional
        Where the state lies, to be filled.
    waiting : float
        Which share of the launches waits in line where the GPUs are taken.
    """

    def __init__(
        self,
        seed: int,
        plans: Sequence[Plan],
        names: Sequence[str] = ("a", "b", "c"),
        *,
        kernels: int = 3,
        settle_s: float = 0.0,
        disk: Disk | None = None,
        waiting: float = 0.0,
    ) -> None:
        self.seed = seed
        self.run = secrets.token_hex(8)
        self.done: Counter[str] = Counter()
        self._random = random.Random(seed)  # noqa: S311 - no secret
        self._plans, self._names, self._settle_s = plans, names, settle_s
        self._disk, self._waiting = disk, waiting
        self._gaps: set[int] = set()
        ordinals = [gpu.hip_index for gpu in gpus.machine().gpus if gpu.hip_index is not None]
        self._gpus = ordinals[: len(names)]
        os.environ[MARK] = self.run
        self._kernels = [Kernel() for _ in range(kernels)]

    def rounds(self, count: int) -> None:
        """Run so many rounds.

        Raises
        ------
        Violation
            If one breaks a promise; it says how to replay it.
        """
        for number in range(1, count + 1):
            try:
                self._round()
            except Violation as broken:
                again = f"--seed {self.seed} --rounds {number}"
                raise Violation(f"round {number} of seed {self.seed} ({again}): {broken}") from None

    def end(self) -> None:
        """End everything that is left."""
        for kernel in self._kernels:
            kernel.end()
        for folder in serving.folders():
            with contextlib.suppress(ServerGone):
                serving.stop(folder, drain_s=0.0)
        for seen in census(self.run):
            with contextlib.suppress(ProcessLookupError):
                os.kill(seen.pid, signal.SIGKILL)
        os.environ.pop(MARK, None)

    # -- one round -------------------------------------------------------------------------------

    def _round(self) -> None:
        draw = self._random
        orders = [self._draw_order() for _ in self._kernels]
        pause_s = draw.uniform(0, 0.6)
        victims = [
            (draw.choice(_VICTIMS), draw.choice(self._names), draw.random())
            for _ in range(draw.choice((0, 1, 1, 2, 3)))
        ]
        if draw.random() < 0.5:  # noqa: PLR2004 - as often as not
            self._let_start()
        fault = draw.choice((*FAULTS, *[None] * 6))
        late = draw.random() < 0.5  # noqa: PLR2004 - as often as not
        if not late:
            self._fill(fault)
        for kernel, order in zip(self._kernels, orders, strict=True):
            kernel.order(order)
            self.done[order.do] += 1
        time.sleep(pause_s)
        if late:
            self._fill(fault)
        for victim in victims:
            self._kill(*victim)
        self._hear()
        if self._disk is not None and fault is not None:
            self._note_gaps()
            self._disk.free()
        self._check()

    def _fill(self, fault: Fault | None) -> None:
        if self._disk is not None and fault is not None:
            self._disk.fill(fault)
            self.done[f"no {fault}"] += 1

    def _note_gaps(self) -> None:
        """Note the logs that were written to while the disk was full: by their inodes."""
        for folder in serving.folders():
            with contextlib.suppress(FileNotFoundError):
                self._gaps.add(folder.log.stat().st_ino)

    def _hear(self) -> None:
        """Wait for what came of the orders."""
        limit = time.monotonic() + HANGS_S
        for kernel in self._kernels:
            outcome = kernel.outcome()
            if outcome is not None and outcome.defect:
                raise Violation(f"a kernel met a defect:\n{outcome.defect}")
        if time.monotonic() > limit:
            raise Violation(f"a kernel was not answered within {HANGS_S:.0f} s")

    def _draw_order(self) -> Order:
        draw = self._random
        do = draw.choices(("launch", "stop", "attach", "ps"), (5, 2, 2, 1))[0]
        name = draw.choice(self._names)
        behaviour = draw.choices(self._plans, _WEIGHTS[: len(self._plans)])[0]
        # Where they wait, some wait for several: what is small may then pass what is large.
        count = draw.choice((1, 1, 2, 3)) if self._waiting else 1
        gpu = tuple(sorted(draw.sample(self._gpus, min(count, len(self._gpus)))))
        plan = replace(
            behaviour,
            server=name,
            gpus=gpu,
            restarts=draw.choice((0, 0, 2)),
            queue=draw.random() < self._waiting,
        )
        return Order(do=do, server=name, plan=plan if do == "launch" else None)

    def _let_start(self) -> None:
        end = time.monotonic() + self._settle_s
        while time.monotonic() < end and any(
            record.state == "starting" for _, record in self._records()
        ):
            time.sleep(0.2)

    def _kill(self, role: str, name: str, which: float) -> None:
        there = [
            seen.pid
            for seen in census(self.run)
            if seen.role == role and (role == "kernel" or seen.server == name)
        ]
        if there:
            with contextlib.suppress(ProcessLookupError):
                os.kill(there[int(which * len(there))], signal.SIGKILL)
            self.done[f"killed {role}"] += 1

    # -- what must hold --------------------------------------------------------------------------

    def _check(self) -> None:
        began = time.monotonic()
        _until(self._false_states, began + TRUE_S)
        _until(self._unsupervised, began + ORPHANS_S)
        _until(self._wrong_leases, began + ORPHANS_S)
        _until(self._wrong_line, began + ORPHANS_S)
        _until(self._idle_gpus, time.monotonic() + IDLE_S)
        _until(self._wrong_lines, began + TRUE_S)

    def _records(self) -> Iterator[tuple[ServerFolder, ServerRecord]]:
        for folder in serving.folders():
            yield folder, serving.current(folder)

    def _false_states(self) -> list[str]:
        """Return the servers whose state is not what their processes say."""
        wrong = []
        for folder, record in self._records():
            runs = record.engine is not None and bool(members(record.engine))
            if record.state == "unknown":
                wrong.append(f"{folder.name} is unknown: {record.reason}")
            elif record.state == "running" and not (runs and _answers(record)):
                wrong.append(f"{folder.name} is said to run, and does not answer")
            elif not record.live and runs:
                wrong.append(f"{folder.name} is said to be {record.state}, and its engine runs")
        return wrong

    def _unsupervised(self) -> list[str]:
        """Return the processes of servers that nobody looks after, or that have ended."""
        kept = {
            folder.name
            for folder, record in self._records()
            if record.live and alive(record.supervisor)
        }
        lost = [
            seen
            for seen in census(self.run)
            if seen.role not in ("kernel", "other") and seen.server not in kept
        ]
        return [f"{seen.role} {seen.pid} of {seen.server} is left over" for seen in lost]

    def _wrong_leases(self) -> list[str]:
        """Return the GPUs that are held twice, by nobody's server, or not by the one that runs."""
        using: dict[str, list[str]] = {}
        keys = {gpu.hip_index: gpu.key for gpu in gpus.machine().gpus}
        for folder, record in self._records():
            if record.live and record.engine is not None:
                for index in record.plan.gpus:
                    using.setdefault(str(keys[index]), []).append(folder.name)
        held = {key: holder.server for key, holder in leases.holders().items()}
        wrong = [f"{key} is used by {names}" for key, names in using.items() if len(names) > 1]
        wrong += [f"{key} is used and not held" for key in using if key not in held]
        wrong += [
            f"{key} is held for {server}, which does not use it"
            for key, server in held.items()
            if server not in using.get(key, [server] if self._starts(server) else [])
        ]
        return wrong

    def _wrong_line(self) -> list[str]:
        """Return who waits without a place in the line, or stands in it and does not wait."""
        standing = [turn.ticket.server for turn in leases.now()[0]]
        waiting = [folder.name for folder, record in self._records() if record.waits]
        self.done["waited"] += len(waiting)
        wrong = [
            f"{name} waits, and is not in the line" for name in waiting if name not in standing
        ]
        wrong += [
            f"{name} is in the line and does not wait" for name in standing if name not in waiting
        ]
        return wrong + [f"{name} waits twice" for name in waiting if standing.count(name) > 1]

    def _idle_gpus(self) -> list[str]:
        """Return who waits although there are free GPUs that would do."""
        return [
            f"{turn.ticket.server} waits, and {', '.join(turn.keys)} is free"
            for turn in leases.now()[0]
            if turn.keys
        ]

    def _starts(self, name: str | None) -> bool:
        try:
            return name is not None and serving.find(name).read().live
        except (ServerGone, UnknownName):
            return False

    def _wrong_lines(self) -> list[str]:
        """Return the logs whose lines are not counted as they are, or that lack a beat."""
        wrong = []
        for folder, _ in self._records():
            record = folder.read()
            try:
                text = folder.log.read_bytes()
            except FileNotFoundError:
                continue
            lines = text[: record.log_offset].replace(b"\r", b"\n").split(b"\n")
            count = sum(map(bool, lines))
            # A supervisor that goes on to a new start passes over what the last one left.
            if count != record.log_lines and not record.restarts:
                wrong.append(f"{folder.name}: {count} lines, {record.log_lines} counted")
            if folder.log.stat().st_ino not in self._gaps:
                wrong += [f"{folder.name}: {each}" for each in _missing_beats(text)]
        return wrong


def _answers(record: ServerRecord) -> bool:
    return endpoint.healthy(record.address, Health(timeout_s=10.0))


def _missing_beats(text: bytes) -> list[str]:
    """Return where the fake engine's count has a gap; each start begins anew at 1."""
    last = 0
    # Anywhere in a line: a progress bar before it has no end of its own.
    for found in re.finditer(rb"beat (\d+)\n", text):
        number = int(found[1])
        if number not in (last + 1, 1):
            return [f"beat {number} follows {last}"]
        last = number
    return []


def _until(wrong: Callable[[], list[str]], end: float) -> None:
    """Look until nothing is wrong.

    Raises
    ------
    Violation
        If something still is at the end.
    """
    while True:
        # What a look begins before the end counts: on a busy machine looking takes its time.
        last = time.monotonic() > end
        found = wrong()
        if not found:
            return
        if last:
            raise Violation("; ".join(found))
        time.sleep(0.05)


def main() -> None:
    """Run rounds until one fails, or all have passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--real", action="store_true", help="the installed engine")
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as stack:
        disk = Disk(Path(home, "disk")) if os.geteuid() == 0 else None
        if disk is not None:
            stack.callback(disk.end)
        os.environ["AIM_STATE_DIR"] = str(disk.home if disk else Path(home, "state"))
        print(f"seed {given.seed}", flush=True)  # noqa: T201 - a program
        if given.real:
            chaos = Chaos(given.seed, real_plans(), ("a", "b"), kernels=2, settle_s=60, disk=disk)
        else:
            chaos = Chaos(given.seed, fake_plans(Path(home) / "engines"), disk=disk)
        try:
            chaos.rounds(given.rounds)
        finally:
            chaos.end()
    took_s = time.monotonic() - began
    print(f"{given.rounds} rounds in {took_s:.0f} s: {dict(chaos.done)}")  # noqa: T201 - a program


if __name__ == "__main__":
    main()
