"""The engine, below the keeper that its supervisor starts, or as found by a new supervisor."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from aim_jupyter.core import adapters, config, credentials, files, gpus
from aim_jupyter.core.cache import compiled
from aim_jupyter.core.records import Mode, Plan, ProcessId
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.serving.start import containers, keeper, modes, ports, sockets, warm
from aim_jupyter.core.serving.start.told import Keeping, Told
from aim_jupyter.core.serving.start.warm import HostRefused
from aim_jupyter.core.serving.state.process import alive, boot_id, identify, members

GUARD = Path(__file__).parents[1] / "guard"
#: The folder that this package is imported from; the supervisor has it on its path.
PACKAGE = str(Path(__file__).parents[4])


#: Ours to set, beside what the adapter says: nothing is reported to anybody.
_OWN = {"DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONUNBUFFERED": "1"}


class Notes(Struct, frozen=True, kw_only=True):
    """What the keeper of an engine has written down: ``engine.json``.

    Attributes
    ----------
    pid, start : int
        The keeper's own.
    engine : int
        Pid of the engine's first process, 0 before it was started.
    code : int or None
        Its exit code, negative for a signal; None while it runs.
    """

    pid: int
    start: int
    engine: int = 0
    code: int | None = None


_NOTES = msgspec.json.Decoder(resolved(Notes))
_NAME = "engine.json"
#: Seconds in which a keeper has noted that its engine has ended.
NOTED_S = 2.0
#: Seconds in which a keeper that is there has started its engine.
SETTLE_S = 10.0


class Engine:
    """An engine with its keeper: started by this process, or found by it.

    Parameters
    ----------
    folder : Path
        Of the server.
    process : ProcessId
        The keeper; it leads the session and is what all of the engine is found by.
    child : subprocess.Popen or None
        The keeper, where this process has started it.
    """

    def __init__(
        self, folder: Path, process: ProcessId, child: subprocess.Popen[bytes] | None = None
    ) -> None:
        self.id = process
        self.folder = folder
        self._child = child
        self._code: int | None = None
        self._first: ProcessId | None = None

    @property
    def first(self) -> ProcessId | None:
        """The engine's first process, None where it is gone."""
        if self._first is None:
            told = self._notes()
            self._first = identify(told.engine) if told is not None and told.engine else None
        return self._first

    def processes(self, plan: Plan) -> list[int]:
        """Return all of it, of a plan in a container what is inside."""
        return containers.processes(plan, self.folder) if plan.image else members(self.id)

    def poll(self) -> bool:
        """Whether it has ended; `exit_code` is then known as far as anybody knows it.

        It has when its first process has. The keeper may then still be ending others.
        """
        if self._runs():
            return False
        end = time.monotonic() + NOTED_S
        while (code := self._noted_code()) is None and self._kept() and time.monotonic() < end:
            time.sleep(0.01)
        # A keeper that was killed has noted nothing; where it was not our child, nobody knows how.
        self._code = code if code is not None or self._child is None else self._child.poll()
        return True

    def _runs(self) -> bool:
        if not self._kept() or self._noted_code() is not None:
            return False
        return self.first is None or alive(self.first)

    def _kept(self) -> bool:
        return alive(self.id) and (self._child is None or self._child.poll() is None)

    def _notes(self) -> Notes | None:
        told = notes(self.folder)
        return told if told is not None and told.pid == self.id.pid else None

    def _noted_code(self) -> int | None:
        told = self._notes()
        return told.code if told is not None else None

    @property
    def exit_code(self) -> int | None:
        """Negative for a signal; None while it runs, and where nobody could see it."""
        return self._code


def notes(folder: Path) -> Notes | None:
    """Return what the last keeper of a server wrote down, None where there was none."""
    with contextlib.suppress(*files.UNREADABLE):
        return _NOTES.decode((folder / _NAME).read_bytes())
    return None


def forget(folder: Path) -> None:
    """Forget the engine of an earlier start: the next one is not to be mistaken for it."""
    with contextlib.suppress(OSError):
        (folder / _NAME).unlink()


def find(folder: Path, recorded: ProcessId | None) -> Engine | None:
    """Return the engine of a server, alive or dead; None where none was started.

    A supervisor may have been killed between starting an engine and recording it: the keeper's
    notes know better. After a reboot they know nothing.
    """
    told = _settled(folder)
    if told is not None and told.engine:
        noted = ProcessId(told.pid, told.start, boot_id())
        if recorded is None or alive(noted):
            return Engine(folder, noted)
    return Engine(folder, recorded) if recorded is not None else None


def _settled(folder: Path) -> Notes | None:
    """Return the notes of a keeper that has started its engine or has left without."""
    end = time.monotonic() + SETTLE_S
    while True:
        told = notes(folder)
        if told is None or told.engine or time.monotonic() > end:
            return told
        if not alive(ProcessId(told.pid, told.start, boot_id())):
            return told
        time.sleep(0.05)


class Needs(NamedTuple):
    """What a start needs beyond its plan.

    Attributes
    ----------
    key : str
        Goes into the environment; other users can't read that, but they can read ``ps``.
    log : Path
        In the server's folder. Standard output and error are appended to it, by the engine itself:
        a supervisor that dies breaks no pipe.
    held : tuple of int
        Files that keeper and engine inherit, of the lease and of the model's folder: both are held
        as long as any process of the engine lives.
    record : str
        The name of what is served, for engines that put it into their answers; empty is none.
    """

    port: int
    key: str
    log: Path
    held: tuple[int, ...] = ()
    record: str = ""


def start(plan: Plan, mode: Mode, needs: Needs) -> Engine:
    """Start an engine for `plan`, below a keeper of its own.

    Parameters
    ----------
    mode : Mode
        Any but ``warm``, see `Forking`.

    Raises
    ------
    OSError
        If it can't be executed.
    """
    folder = needs.log.parent
    reader, writer = os.pipe()
    command, env = _run(plan, mode, needs)
    told: Told = {**_told(plan, command, needs), "report": writer}
    with needs.log.open("ab") as output, os.fdopen(reader, "rb") as report:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__],
            env=env,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=(*needs.held, writer),
            cwd=folder,
            umask=0o077 if plan.listen == "unix" else -1,
        )
        os.close(writer)
        known = identify(child.pid)
        # The child can't have been reaped yet: only `poll` does that.
        assert known is not None  # noqa: S101
        assert child.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(json.dumps(told).encode())
        refused = report.read().decode()
    if refused:
        child.wait()
        raise OSError(refused)
    return Engine(folder, known, child)


def _run(plan: Plan, mode: Mode, needs: Needs) -> tuple[list[str], dict[str, str]]:
    """Return command and environment of an engine, or of what runs it in a container."""
    folder = needs.log.parent
    words = _command(plan, mode, needs)
    if plan.image is None:
        # Where the guard finds the keys of those with whom the server is shared.
        guests = {"AIM_GUESTS": str(folder / "guests")}
        env = environment(plan, mode, needs.key, os.environ) | guests
        return words, _meeting(plan, folder) | env
    inside = containers.variables(plan, environment(plan, mode, needs.key, {}))
    kept = credentials.without(os.environ)
    return containers.command(plan, words, folder, inside), kept | inside


def _meeting(plan: Plan, folder: Path) -> dict[str, str]:
    """Return what tells an engine where its processes meet; what the user says of it stays."""
    variable = adapters.of(plan.engine).meeting
    place = sockets.make(folder) if variable or plan.on else None
    return {variable: str(place)} if place and variable else {}


class Forking:
    """An engine that a warm host was asked to fork; nothing here waits.

    Parameters
    ----------
    plan, needs
        As for `start`.

    Raises
    ------
    HostRefused
        If there is no host for it.
    """

    def __init__(self, plan: Plan, needs: Needs) -> None:
        self._folder = needs.log.parent
        reader, writer = os.pipe()
        self._report = os.fdopen(reader, "rb")
        command, env = _run(plan, "warm", needs)
        with needs.log.open("ab") as output:
            try:
                self._fork = warm.fork(
                    plan.argv,
                    env,
                    _told(plan, command, needs),
                    (output.fileno(), writer, *needs.held),
                    engine=plan.engine,
                    model=plan.model_path,
                )
            except HostRefused:
                self._report.close()
                raise
            finally:
                os.close(writer)

    @property
    def fresh(self) -> bool:
        """Whether the host had to be started for it."""
        return self._fork.fresh

    def poll(self) -> Engine | None:
        """Return the engine once it is there.

        Raises
        ------
        HostRefused
            If the host won't, or has ended.
        OSError
            If the forked keeper could not start it.
        """
        known = self._fork.poll()
        if known is None:
            return None
        refused = self._report.read().decode()
        self.close()
        if refused:
            raise OSError(refused)
        return Engine(self._folder, known)

    def close(self) -> None:
        """Let go of the host: what it has not forked yet, it will not."""
        self._fork.close()
        self._report.close()


def _told(plan: Plan, command: list[str], needs: Needs) -> Keeping:
    """Return what a keeper is told, and make room for what it will say."""
    folder = needs.log.parent
    # Written to its full length now: the keeper's words must find room on a full disk.
    # A file of its own for each start: an earlier keeper that is late must not write into this one.
    forget(folder)
    (folder / _NAME).write_bytes(b" " * keeper.WIDTH)
    return {
        "engine": command,
        "supervisor": [sys.executable, "-m", "aim_jupyter.core.serving", str(folder)],
        "environment": dict(os.environ),
        "folder": str(folder),
        "parent": os.getpid(),
        "leases": needs.held,
        "stop": adapters.of(plan.engine).stop.number,
        "replaced": not plan.on,
    }


def _command(plan: Plan, mode: Mode, needs: Needs) -> list[str]:
    """Return the engine's command line in a mode of starting."""
    python, *words = plan.argv
    forking = [str(warm.PROGRAM), "fork"] if mode == "fork" else []
    stamp = adapters.filled(plan.stamp, id=needs.record) if needs.record else []
    return [python, *forking, *words, *stamp, *_place(plan, needs.port, needs.log.parent)]


def _place(plan: Plan, port: int, folder: Path) -> list[str]:
    """Return the words that tell an engine where to listen."""
    listen = adapters.get(plan.engine).listen
    if plan.listen != "unix":
        return adapters.filled(listen.port, host=ports.host(plan.listen), port=port)
    # One that an earlier engine left would be an address in use.
    file = sockets.listening(plan, folder)
    file.unlink(missing_ok=True)
    return adapters.filled(listen.socket, file=file)


def environment(plan: Plan, mode: Mode, key: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the engine's whole environment.

    The plan's variables beat the inherited ones, and those that the supervisor depends on beat
    both. Tokens of the hub and of Hugging Face are left out, and the keys of a store unless the
    engine reads the model from there itself. Of the variables that choose GPUs exactly one is set.
    Where this package lies is taken off the path: installed, that is the notebook's own
    site-packages, and its libraries are not the engine's.
    """
    env = host_environment(plan.engine, plan.engine_version, inherited, mode)
    if plan.model_path.startswith("s3://"):
        env |= credentials.of_store(inherited)
    for name, value in gpus.launch_environment(plan.gpus, inherited).items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    path = _python_path(plan.env.get("PYTHONPATH", inherited.get("PYTHONPATH", "")))
    adapter = adapters.of(plan.engine)
    door = {**adapter.door(), adapter.key.variable: key}
    return {**env, **plan.env, **_OWN, **adapter.env, "PYTHONPATH": path, **door}


def host_environment(
    engine: str, version: str, inherited: Mapping[str, str], mode: Mode = "warm"
) -> dict[str, str]:
    """Return the part of an engine's environment that is the same for all plans."""
    kept = credentials.without(inherited)
    # What is served is on disk when an engine starts, and it finds it where we put it.
    models = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(config.model_cache_dir())}
    compiled_in = compiled.environment(engine, version, inherited)
    path = _python_path(inherited.get("PYTHONPATH", ""))
    found = {**modes.settings(mode, engine), **kept, **compiled_in, **models, **_OWN}
    return {**found, **adapters.of(engine).env, "PYTHONPATH": path}


def _python_path(wanted: str) -> str:
    kept = (each for each in wanted.split(os.pathsep) if each not in ("", PACKAGE))
    return os.pathsep.join([str(GUARD), *kept])
