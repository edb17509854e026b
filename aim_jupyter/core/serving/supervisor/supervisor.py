"""The one process that looks after one server, from its first stage to its last word.

It starts the engine, follows its log into stages, decides when it is ready, samples its metrics,
enforces the idle limit and the end of life, carries out a stop, and records how it ended. It holds
the server's lock (`lock`), and whoever holds that is the only writer of ``server.json``. It has
no more than the standard library and msgspec, and lives in a session of its own, so that neither a
kernel nor a Jupyter restart reaches it.

Where it is killed all the same, another one takes over, started by the engine's keeper or by
whoever looks next: it finds the engine, reads on in the log where the record ends, and goes on.
"""

from __future__ import annotations

import contextlib
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from aim_jupyter.core import config, provenance
from aim_jupyter.core.defaults import DRAIN_S
from aim_jupyter.core.errors import AimError, StateUnusable
from aim_jupyter.core.leases import Lease, Meter
from aim_jupyter.core.records import Crash, Plan, Progress, State
from aim_jupyter.core.serving.crash import crash, evidence
from aim_jupyter.core.serving.jobs import within
from aim_jupyter.core.serving.sharing.listener import Listener
from aim_jupyter.core.serving.start import devices, engine, ports, sockets
from aim_jupyter.core.serving.start.booting import boot, detail
from aim_jupyter.core.serving.start.engine import Engine, Needs
from aim_jupyter.core.serving.state import lock, starts
from aim_jupyter.core.serving.state.folder import ServerFolder
from aim_jupyter.core.serving.state.process import identify, members, uptime_s
from aim_jupyter.core.serving.supervisor import limits, model, policy
from aim_jupyter.core.serving.supervisor.cleanup import Ending
from aim_jupyter.core.serving.supervisor.wakeup import Waker, reap_others
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.core.serving.watch.reading import Reading
from aim_jupyter.core.serving.watch.sampling import Sampler

#: Seconds between two looks while starting, and while running.
STARTING_TICK_S, RUNNING_TICK_S = 0.25, 1.0
#: How often a start is tried again when somebody took the port in between.
PORT_ATTEMPTS = 3


class Supervisor:
    """Look after the server of one folder until it has ended.

    Parameters
    ----------
    folder : ServerFolder
        Holds the record with the plan, and the key.
    lock : int
        The open lock of the folder, held by this process.
    """

    def __init__(self, folder: ServerFolder, lock: int) -> None:
        self.folder = folder
        self.record = folder.read()
        self.plan = self.record.plan
        self.key = folder.key()
        self.reading = Reading(folder, self.record)
        self.sampler = Sampler(folder)
        self.engine: Engine | None = None
        self.listener = Listener(folder)
        self._memory = evidence.memory()
        self._lock = lock
        self._stop_asked = False
        self.ending = Ending()
        self._waker = Waker()

    # -- life ------------------------------------------------------------------------------------

    def announce(self) -> None:
        """Write down who looks after this server now; called once, before `run`."""
        known = identify(os.getpid())
        assert known is not None  # noqa: S101 - it is this process
        lock.sign(self._lock, known)
        if self.record.live:
            self._update(supervisor=known, host=config.host())

    def run(self) -> None:
        """Start the engine, or take over the one that is there, and stay until it has ended."""
        self._waker.listen(self._on_term)
        by_itself = self.record.state == "stopping" and self.record.crash is None
        self._stop_asked = by_itself or self._stop_left()
        try:
            found = engine.find(self.folder.path, self.record.engine)
            if self.record.live:
                with self.listener:  # Closed before the last word: what has ended has no door.
                    code = self._serve(found)
                self._conclude(code)
            elif found is not None:
                # The last word is written; whoever wrote it was killed before it was all true.
                self.ending.clean_up(found, self.plan, drain_s=0.0, term_s=0.0)
        except AimError as error:
            self._end("failed", reason=error.found, crash=crash.refused(error))
        except BaseException as error:
            # A defect must not leave an engine behind, nor a record that says "running".
            self._end("failed", reason=f"the supervisor met a defect: {error!r}")
            raise

    def _on_term(self) -> None:
        self._stop_asked = True

    def _stop_left(self) -> bool:
        """Whether somebody has asked to stop whose signal did not come through."""
        return self.folder.stop_request() is not None

    def _serve(self, found: Engine | None) -> int | None:
        """Run the engine, again and again where the plan says so; return its last exit code."""
        code = self._start() if found is None else self._take_over(found)
        while not self._stop_asked:
            restart = policy.after(self.record, uptime_s())
            if restart is None:
                break
            self._make_way(code, restart)
            self._pause(restart.pause_s)
            if not self._stop_asked:
                code = self._start()
        return code

    # -- start -----------------------------------------------------------------------------------

    def _start(self) -> int | None:
        code = None
        if not self.record.restarts:
            for repo, revision in model.absent(self.plan):
                if not self._stop_asked:
                    self._download(repo, revision)
        for attempt in range(1, PORT_ATTEMPTS + 1):
            again = attempt > 1 or self.record.restarts > 0
            with (
                devices.leased(self.folder, self._move, self._in_line, again=again) as lease,
                ports.held_again(self.plan, self.record.port) as port,
                model.held(self.plan) as files,
            ):
                self._boot(port, lease, files)
                code = self._follow()
                # Below the lease: nobody is given a GPU whose memory is not free yet.
                self._end_engine()
            taken = not self._stop_asked and crash.port_was_taken(self.plan.engine, self.folder.log)
            if not taken or self.plan.port is not None or attempt == PORT_ATTEMPTS:
                break
            self.folder.events.add(
                "stage", f"port {port} was taken, trying another", level="warning"
            )
            self.folder.log.unlink(missing_ok=True)
            self._forget_start()
            self._update(state="starting", reason="", crash=None, port=None)
        return code

    def _in_line(self, words: str, seconds: float) -> bool:
        """Say where this server stands in the line, wait, and return whether it is still wanted."""
        # Its life begins when its turn has come.
        self.record = replace(self.record, created_up_s=uptime_s())
        if not self.record.stages or self.record.stages[-1].detail != words:
            self.reading.tracker.enter("queued", time.time())
            self.reading.tracker.note(words)
            self._update()
        self._wait(seconds)
        self._look_at_limits()
        return not self._stop_asked

    def _move(self, plan: Plan) -> None:
        """Take other GPUs, as good as those that somebody else has leased meanwhile."""
        self.plan = plan
        self._update(plan=plan)

    def _forget_start(self) -> None:
        self.engine = None
        engine.forget(self.folder.path)
        self.reading.forget_start()
        self.sampler = Sampler(self.folder)

    def _download(self, repo: str, revision: str | None) -> None:
        self._enter("download", repo)
        here, wanted = self.folder.path, lambda: not self._stop_asked
        for progress in model.fetched(self.plan, repo, revision, here, wanted):
            self._tell(progress)
            self._wait(STARTING_TICK_S * 2)

    def _tell(self, progress: Progress) -> None:
        self.reading.tracker.note(progress.detail, progress.share)
        self._update()

    def _boot(self, port: int, lease: Lease | None, files: tuple[int, ...]) -> None:
        if self._stop_asked:
            return
        self._enter("boot", detail(self.plan))
        note = partial(self.folder.events.add, "stage", level="warning", stage="boot")
        record = provenance.take(self.plan, note)
        held = (*(lease.fds if lease else ()), *files)
        try:
            booted = boot(
                self.plan,
                Needs(port, self.key, self.folder.log, held, record),
                note=note,
                pause=self._go_on,
            )
        except OSError as error:
            raise AimError(f"the engine can't be started: {error}") from error
        self.engine = booted.engine
        self._update(
            port=port or None,
            socket=sockets.of(self.plan, self.folder.path),
            engine=self.engine.id if self.engine else None,
            provenance=record,
            started_by=booted.how,
            expected_s=starts.expected(self.plan, booted.how),
        )

    def _go_on(self) -> bool:
        """Wait a moment for a warm host, and return whether the start is still wanted."""
        self._wait(STARTING_TICK_S / 10)
        return not self._stop_asked

    def _enter(self, stage: Any, detail: str = "") -> None:
        if self.reading.tracker.enter(stage, time.time(), detail):
            self.folder.events.add("stage", detail or f"{stage} begins", stage=stage)
        self._update()

    # -- take over, restart ----------------------------------------------------------------------

    def _take_over(self, found: Engine) -> int | None:
        """Go on where a supervisor was lost that had started `found`."""
        self.engine = found
        self.folder.events.add("health", "a new supervisor took over", level="warning")
        self._update(engine=found.id)
        code = None if self._stop_asked else self._follow()
        self._end_engine()
        return code

    def _make_way(self, code: int | None, restart: policy.Restart) -> None:
        """Say why the engine ended, and forget it for the next one."""
        why = self._explain(code)
        if self.ending.left:
            raise AimError(self.ending.words)
        words = f"restart {restart.number} of {self.plan.restarts} in {restart.pause_s:.0f} s"
        self.folder.events.add("health", words, level="warning")
        self._forget_start()
        self._update(
            state="starting",
            reason=f"{why.what} {words.capitalize()}.",
            restarts=restart.number,
            crash=None,
            engine=None,
            ready_at=None,
            ready_up_s=None,
            idle_since=None,
            idle_up_s=None,
        )

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stop_asked and (left := end - time.monotonic()) > 0:
            self._wait(min(left, RUNNING_TICK_S))

    # -- watch -----------------------------------------------------------------------------------

    def _follow(self) -> int | None:
        """Watch the engine until it ends or is to be stopped; return its exit code."""
        ours = (self.engine.id, self.engine.first) if self.engine else ()
        held, watched = len(self.plan.gpus), (*ours, self.plan.lives_with)
        with self._waker.watching(watched), Meter(held) as meter:
            while self.engine is not None and not self._stop_asked:
                tick_s = RUNNING_TICK_S if self.record.state == "running" else STARTING_TICK_S
                self._wait(0.0 if self.reading.behind else tick_s)
                changed = self._read_log()
                if self.engine.poll():
                    self._read_log()
                    return self.engine.exit_code
                starting = self.record.state == "starting"
                if starting and self._is_ready():
                    self._become_ready()
                elif starting and changed:
                    self._update()
                elif not starting and self.sampler.tick(self.record, time.time()):
                    self._update(idle_since=time.time(), idle_up_s=uptime_s())
                self._look_at_limits()
                meter.tick()
        return None

    def _read_log(self) -> bool:
        changed = self.reading.read(starting=self.record.state == "starting")
        if until := self.reading.excess_bytes():
            self._update()
            self.reading.give_back(until)
        return changed

    def _is_ready(self) -> bool:
        served = endpoint.serves(self.record.address, self.key, self.plan)
        return served and self.engine is not None and not self.engine.poll()

    def _become_ready(self) -> None:
        now = time.time()
        self._read_log()
        self.reading.tracker.enter("ready", now)
        self.reading.tracker.finish(now)
        starts.remember(
            self.plan, self.record.started_by, self.reading.tracker.stages, self.record.expected_s
        )
        took_s = round(uptime_s() - (self.record.created_up_s or uptime_s()), 3)
        self.folder.events.add("stage", "ready", stage="ready", took_s=took_s)
        if self.engine is not None:
            devices.check_placement(self.plan, self.engine.processes(self.plan), self.folder.events)
        if self.record.socket:
            Path(self.record.socket).chmod(0o600)
        # Whoever sees it running finds a first sample.
        self.sampler.tick(self.record, now)
        up_s = uptime_s()
        idle = {"idle_since": now, "idle_up_s": up_s}
        self._update(state="running", reason="", ready_at=now, ready_up_s=up_s, **idle)

    def _look_at_limits(self) -> None:
        if why := limits.reached(self.record, uptime_s()):
            self.record = replace(self.record, reason=why)
            self._stop_asked = True
        self._stop_asked |= self._stop_left()

    # -- end -------------------------------------------------------------------------------------

    def _end_engine(self) -> None:
        """End what runs of the engine; where a stop was asked for, running requests may finish."""
        if self.engine is None and not self._stop_asked:
            return
        if self._stop_asked:
            request = self.folder.stop_request()
            why, drain_s = self.record.reason or "stopped", DRAIN_S
            if request is not None:
                why, drain_s = f"stopped by {request.by}", request.drain_s
            elif self.record.job is not None and not self.record.reason:
                why, drain_s = within.notice(self.record)
            if self.record.state != "stopping" or self.record.crash is not None:
                self.folder.events.add("stop", why)
            self._update(state="stopping", reason=why, crash=None)
            self._clean_up(drain_s)
        else:
            # What is left of it has nothing to finish, but its memory takes a while.
            why = "the engine has ended by itself"
            self._update(state="stopping", reason=why, crash=Crash(what=why))
            self._clean_up(drain_s=0.0, term_s=0.0)

    def _clean_up(self, drain_s: float, term_s: float | None = None) -> None:
        if self.engine is not None:
            self.ending.clean_up(
                self.engine, self.plan, drain_s=drain_s, term_s=term_s, then=self._read_log
            )

    def _conclude(self, code: int | None) -> None:
        if not self._stop_asked:
            found = self._explain(code)
            self._end("failed", exit_code=code, reason=found.what, crash=found)
            return
        if self.record.state != "stopping" or self.record.crash is not None:
            # Asked for before there was an engine.
            self._end_engine()
        bad, cleaned = self.ending.bad, self.ending.words
        self.folder.events.add("exit", cleaned, level="error" if bad else "info")
        why = self.record.reason
        state: State = "unknown" if self.ending.left else "stopped"
        self._end(state, reason=f"{why}; {cleaned}" if bad else why)

    def _explain(self, code: int | None) -> Crash:
        found = crash.explain(
            self.plan,
            self.folder.log,
            code,
            self.ending.words,
            before=self._memory,
            port=self.record.port,
        )
        self.folder.events.add("exit", found.what, level="error")
        return found

    def _end(self, state: State, **facts: Any) -> None:
        if self.engine is not None and members(self.engine.id):
            self._clean_up(drain_s=0.0)
        self.reading.tracker.finish(time.time())
        self._update(state=state, ended_at=time.time(), **facts)

    def _update(self, **facts: Any) -> None:
        """Write the record; a full disk costs the news, not the server."""
        self.record = replace(self.record, **self.reading.facts(), **facts)
        with contextlib.suppress(StateUnusable):
            if lock.belongs(self._lock, self.folder.path):
                self.folder.write(self.record)

    def _wait(self, seconds: float) -> None:
        """Sleep, but wake at once for a signal, a guest, or the end of what is watched."""
        if self._waker.sleep(seconds, self.listener.doors()):
            self.listener.answer(self.record)
        reap_others(self.engine.id if self.engine else None)
