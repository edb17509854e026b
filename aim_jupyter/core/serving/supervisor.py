"""The one process that looks after one server, from its first stage to its last word.

It starts the engine, follows its log into stages, decides when it is ready, samples its metrics,
enforces the idle limit and the end of life, carries out a stop, and records how it ended. It is
the only writer of ``server.json``, holds no more than the standard library and msgspec, and lives
in a session of its own, so that neither a kernel nor a Jupyter restart reaches it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from aim_jupyter.core import gpus
from aim_jupyter.core.errors import AimError, GpuUnavailable, StateUnusable
from aim_jupyter.core.leases import Lease
from aim_jupyter.core.records import ProcessId, State
from aim_jupyter.core.serving import crash, endpoint, evidence, ports, starts
from aim_jupyter.core.serving.download import Download
from aim_jupyter.core.serving.engine import Engine
from aim_jupyter.core.serving.folder import ServerFolder
from aim_jupyter.core.serving.process import end_group, identify, members
from aim_jupyter.core.serving.sampling import Sampler
from aim_jupyter.core.serving.stages import LogReader, StageTracker

#: Seconds between two looks while starting, and while running.
STARTING_TICK_S = 0.25
RUNNING_TICK_S = 1.0
#: How often a start is tried again when somebody took the port in between.
PORT_ATTEMPTS = 3
#: Seconds that running requests may take when the supervisor itself ends a server.
DRAIN_S = 30.0

_PR_SET_CHILD_SUBREAPER = 36


class Supervisor:
    """Look after the server of one folder until it has ended.

    Parameters
    ----------
    folder : ServerFolder
        Holds the record with the plan, and the key.
    """

    def __init__(self, folder: ServerFolder) -> None:
        self.folder = folder
        self.record = folder.read()
        self.plan = self.record.plan
        self.key = folder.key()
        self.tracker = StageTracker(self.plan.engine)
        self.log = LogReader(folder.log)
        self.sampler = Sampler(folder)
        self.engine: Engine | None = None
        self._memory = evidence.memory()
        self._stop_asked = False
        self._wake, self._waker = socket.socketpair()

    # -- life ------------------------------------------------------------------------------------

    def announce(self) -> None:
        """Write down who looks after this server now; called once, before `run`."""
        self._update(supervisor=identify(os.getpid()))

    def run(self) -> None:
        """Start the engine and stay until it has ended."""
        self._prepare_process()
        try:
            self._conclude(self._start())
        except AimError as error:
            self._end("failed", reason=error.found, crash=crash.refused(error))
        except BaseException as error:
            # A defect must not leave an engine behind, nor a record that says "running".
            self._end("failed", reason=f"the supervisor met a defect: {error!r}")
            raise

    def _prepare_process(self) -> None:
        # What the engine's children leave behind becomes ours to reap, not the container's init's.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._waker.settimeout(0)
        signal.set_wakeup_fd(self._waker.fileno())
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _on_term(self, *_: object) -> None:
        self._stop_asked = True

    # -- start -----------------------------------------------------------------------------------

    def _start(self) -> int | None:
        code = None
        if self.plan.download is not None:
            self._download(self.plan.download)
        for attempt in range(1, PORT_ATTEMPTS + 1):
            holder, port = ports.reserve(self.plan.port)
            with holder, self._lease(port) as lease:
                self._boot(port, lease)
                code = self._follow()
            taken = not self._stop_asked and crash.port_was_taken(self.plan.engine, self.folder.log)
            if not taken or self.plan.port is not None or attempt == PORT_ATTEMPTS:
                break
            self.folder.events.add(
                "stage", f"port {port} was taken, trying another", level="warning"
            )
            self.folder.log.unlink()
            self.log = LogReader(self.folder.log)
            self.tracker = StageTracker(self.plan.engine)
        return code

    def _download(self, repo: str) -> None:
        self._enter("download", repo)
        download = Download(repo, self.plan.revision, self.folder.path)
        while not self._stop_asked and download.poll() is None:
            detail, fraction = download.progress()
            self.tracker.note(detail, fraction)
            self._update()
            self._wait(STARTING_TICK_S * 2)
        if self._stop_asked:
            download.end()
        else:
            download.check()

    @contextlib.contextmanager
    def _lease(self, port: int) -> Iterator[Lease | None]:
        """Hold the plan's GPUs while the engine runs; what it has inherited, it holds itself."""
        if not self.plan.gpus:
            yield None
            return
        present = {gpu.hip_index: gpu for gpu in gpus.machine().gpus}
        chosen = [gpu for index in self.plan.gpus if (gpu := present.get(index))]
        if len(chosen) < len(self.plan.gpus):
            raise GpuUnavailable(f"{self.plan.devices} is not there any more.", "%aim gpus")
        info = {"server": self.folder.name, "model": self.plan.model, "port": port}
        with gpus.reserve(chosen, info=info) as lease:
            self.folder.events.add("lease", f"holds {self.plan.devices}")
            yield lease

    def _boot(self, port: int, lease: Lease | None) -> None:
        if self._stop_asked:
            return
        self._enter("boot")
        try:
            self.engine = Engine(self.plan, port, self.key, self.folder.log, lease)
        except OSError as error:
            raise AimError(f"the engine can't be started: {error}") from error
        self._update(port=port, engine=self.engine.id)

    def _enter(self, stage: Any, detail: str = "") -> None:
        if self.tracker.enter(stage, time.time(), detail):
            self.folder.events.add("stage", detail or f"{stage} begins", stage=stage)
        self._update()

    # -- watch -----------------------------------------------------------------------------------

    def _follow(self) -> int | None:
        """Watch the engine until it ends or is to be stopped; return its exit code."""
        while self.engine is not None and not self._stop_asked:
            self._wait(RUNNING_TICK_S if self.record.state == "running" else STARTING_TICK_S)
            changed = self._read_log()
            code = self.engine.poll()
            if code is not None:
                return code
            if self.record.state == "starting":
                if self._is_ready():
                    self._become_ready()
                elif changed:
                    self._update()
            else:
                self._watch()
        return None

    def _read_log(self) -> bool:
        changed = False
        lines = list(self.log.new_lines())
        if self.record.state == "starting":
            for line in lines:
                before = self.tracker.stages[-1].stage
                changed |= self.tracker.feed(line, time.time())
                if self.tracker.stages[-1].stage != before:
                    self._note_stage(before)
        if lines:
            self.record = replace(
                self.record,
                log_lines=self.record.log_lines + len(lines),
                log_last=lines[-1].strip()[-200:],
            )
        return changed or (bool(lines) and self.record.state == "starting")

    def _note_stage(self, ended: str) -> None:
        took = next(s.took_s for s in self.tracker.stages if s.stage == ended)
        self.folder.events.add("stage", f"{ended} done", stage=ended, took_s=took)

    def _is_ready(self) -> bool:
        port = self.record.port
        return (
            port is not None
            and endpoint.healthy(port)
            and endpoint.names_model(port, self.key, self.plan.model)
            and self.engine is not None
            and self.engine.poll() is None
        )

    def _become_ready(self) -> None:
        now = time.time()
        self._read_log()
        self.tracker.enter("ready", now)
        self.tracker.finish(now)
        starts.remember(self.plan, self.tracker.stages)
        self.folder.events.add(
            "stage", "ready", stage="ready", took_s=round(now - self.record.created_at, 3)
        )
        self._check_placement()
        # Whoever sees it running finds a first sample.
        self.sampler.tick(self.record, now)
        self._update(state="running", ready_at=now, idle_since=now, facts=dict(self.tracker.facts))

    def _check_placement(self) -> None:
        """Say so if the engine sits on GPUs that are not its own: orders are easily confused."""
        if not self.plan.gpus or self.engine is None:
            return
        given = [gpu for gpu in gpus.machine().gpus if gpu.hip_index in self.plan.gpus]
        placement = gpus.verify_placement(members(self.engine.id), given)
        if placement.wrong:
            self.folder.events.add("lease", placement.found, level="error")

    def _watch(self) -> None:
        now = time.time()
        if self.sampler.tick(self.record, now):
            self._update(idle_since=now)
        idle_since, limit = self.record.idle_since, self.plan.idle_s
        if limit is not None and idle_since is not None and now - idle_since > limit:
            self._stop_by_itself(f"no request for {limit:.0f} s")
        lifetime, ready_at = self.plan.lifetime_s, self.record.ready_at
        if lifetime is not None and ready_at is not None and now - ready_at > lifetime:
            self._stop_by_itself(f"its {lifetime:.0f} s are over")

    def _stop_by_itself(self, why: str) -> None:
        self.record = replace(self.record, reason=why)
        self._stop_asked = True

    # -- end -------------------------------------------------------------------------------------

    def _conclude(self, code: int | None) -> None:
        if self._stop_asked:
            self._carry_out_stop()
            return
        left = self._clean_up(drain_s=0.0)
        cleaned = _cleaned_up(left)
        port = self.record.port
        log = self.folder.log
        reason = crash.explain(self.plan, log, code, cleaned, before=self._memory, port=port)
        self.folder.events.add("exit", reason.what, level="error")
        self._end("failed", exit_code=code, reason=reason.what, crash=reason)

    def _carry_out_stop(self) -> None:
        request = self.folder.stop_request()
        drain_s = request.drain_s if request else DRAIN_S
        why = f"stopped by {request.by}" if request else self.record.reason or "stopped"
        self.folder.events.add("stop", why)
        self._update(state="stopping", reason=why)
        left = self._clean_up(drain_s)
        state: State = "unknown" if left else "stopped"
        self.folder.events.add("exit", _cleaned_up(left), level="error" if left else "info")
        self._end(state, reason=why if not left else _cleaned_up(left))

    def _clean_up(self, drain_s: float) -> list[int]:
        if self.engine is None:
            return []
        left = end_group(self.engine.id, drain_s=drain_s, tick=self._tick_while_stopping)
        self._read_log()
        return left

    def _tick_while_stopping(self) -> None:
        if self.engine is not None:
            self.engine.poll()
            _reap_others(self.engine.id)

    def _end(self, state: State, **facts: Any) -> None:
        if self.engine is not None and members(self.engine.id):
            self._clean_up(drain_s=0.0)
        self.tracker.finish(time.time())
        self._update(state=state, ended_at=time.time(), **facts)

    # -- small things ----------------------------------------------------------------------------

    def _update(self, **facts: Any) -> None:
        """Write the record; a full disk costs the news, not the server."""
        self.record = replace(self.record, stages=tuple(self.tracker.stages), **facts)
        with contextlib.suppress(StateUnusable):
            self.folder.write(self.record)

    def _wait(self, seconds: float) -> None:
        """Sleep, but wake at once for a signal or the end of a child."""
        ready, _, _ = select.select([self._wake], [], [], seconds)
        if ready:
            self._wake.recv(4096)
        _reap_others(self.engine.id if self.engine else None)


def _cleaned_up(left: list[int]) -> str:
    if left:
        return f"processes {', '.join(map(str, left))} of the engine could not be ended"
    return "no engine process left"


def _reap_others(engine: ProcessId | None) -> None:
    """Reap adopted orphans without taking the engine's own exit code from `Popen`."""
    with contextlib.suppress(ChildProcessError):
        while True:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None or (engine is not None and found.si_pid == engine.pid):
                return
            os.waitpid(found.si_pid, os.WNOHANG)
