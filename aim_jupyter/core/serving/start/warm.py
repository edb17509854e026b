"""The warm hosts of this user: processes that have imported an engine, and fork servers of it.

A host is known by what it was started with: the interpreter, and those variables that are read
while an engine is imported. It has a folder of its own, 0700, below ``hosts`` of the state
directory, with its socket (0600), its log, and who it is. The socket listens before the host is
started, so that whoever needs it never waits for it to appear: a request lies in its queue while
the host imports. What the host does is said in ``host/aim_host.py``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from aim_jupyter.core import adapters, config, files
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import ProcessId, WarmHost
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.serving.start import keeper, modes
from aim_jupyter.core.serving.start.told import ForkRequest, Instructions, Keeping
from aim_jupyter.core.serving.state.process import alive, identify, memory_bytes

PROGRAM = Path(__file__).parents[1] / "host" / "aim_host.py"
#: Seconds after which a host ends that nobody wants anything of.
IDLE_S = 900.0
#: Seconds in which a host that has imported its engine answers.
ANSWER_S = 2.0
_START_S = 20.0
_LIMITS = tuple(name for name in dir(resource) if name.startswith("RLIMIT_"))
_END_S = 5.0
_READY = "ready"
_LOG = "host.log"


class HostRefused(AimError):
    """A warm host can't fork this server; `found` says why, and another mode can start it."""


class _Facts(Struct, frozen=True, kw_only=True):
    """What ``host.json`` holds; `idle_s` in seconds."""

    process: ProcessId
    engine: str
    python: str
    idle_s: float
    started_at: float


class _Status(Struct, frozen=True):
    version: str = ""
    ready_s: float | None = None
    forked: int = 0
    servers: int = 0
    idle_left_s: float | None = None
    refuses: str = ""


_FACTS = msgspec.json.Decoder(resolved(_Facts))
_STATUS = msgspec.json.Decoder(resolved(_Status))


class Seed(NamedTuple):
    """What a host is started with, and known by.

    Attributes
    ----------
    module : str
        That starts the engine's server, and is imported first.
    environment : mapping
        All of the engine's: the part that is read at import tells one host from another.
    idle_s : float
        The host ends after so long without a request or a server.
    """

    engine: str
    python: str
    module: str
    environment: Mapping[str, str]
    idle_s: float = IDLE_S


class Fork:
    """A server that a host was asked to fork; nothing here waits.

    Parameters
    ----------
    connection : socket.socket
        On which the host will answer.
    host : ProcessId or None
        Without it there will be no answer.
    fresh : bool
        Whether the host was started for this, and imports first.
    """

    def __init__(
        self, connection: socket.socket, host: ProcessId | None, log: Path, *, fresh: bool
    ) -> None:
        self.fresh = fresh
        self._connection = connection
        self._host = host
        self._log = log
        self._answer = b""
        connection.setblocking(False)  # noqa: FBT003 - positional by definition

    def poll(self) -> ProcessId | None:
        """Return the keeper of the forked server, None while the host has not answered.

        Raises
        ------
        HostRefused
            If it will not, or is gone.
        """
        # A host that ends takes its connections with it: that is seen below.
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while block := self._connection.recv(4096):
                self._answer += block
        if self._answer.endswith(b"\n"):
            return self._read()
        if not alive(self._host):
            raise _ended(self._log)
        return None

    def _read(self) -> ProcessId:
        answer = json.loads(self._answer)
        if "refused" in answer:
            raise HostRefused(f"the warm host can't fork: {answer['refused']}")
        known = identify(answer["pid"])
        if known is None:
            raise HostRefused("the forked server ended at once")
        return known

    def close(self) -> None:
        """Take the request back, if it was not answered; let go of the host."""
        self._connection.close()


def fork(
    command: Sequence[str],
    environment: Mapping[str, str],
    told: Keeping,
    descriptors: Sequence[int],
    *,
    engine: str,
    model: str,
) -> Fork:
    """Ask the host for `command` to fork a server; the host is started where there is none.

    Parameters
    ----------
    command : sequence of str
        Interpreter, ``-m``, module and arguments.
    environment : mapping
        All of the engine's.
    told : mapping
        What its keeper is told, see `keeper`.
    descriptors : sequence of int
        The log, where a failure is reported, and those of the lease.
    model : str
        A folder, whose code the host imports for the next time.

    Raises
    ------
    HostRefused
        If there is no host and none can be started.
    """
    python, _, module, *_ = command
    folder = _folder(python, environment, engine)
    request: ForkRequest = {
        "do": "fork",
        "told": told,
        "environment": dict(environment),
        "limits": {name: resource.getrlimit(getattr(resource, name)) for name in _LIMITS},
        "umask": _umask(),
        "model": model,
    }
    connection, fresh = _connect_or_start(Seed(engine, python, module, environment))
    try:
        data = _line(request)
        sent = socket.send_fds(connection, [data], list(descriptors))
        connection.sendall(data[sent:])
    except ConnectionError as error:
        connection.close()
        raise _ended(folder / _LOG) from error
    except OSError as error:
        connection.close()
        raise HostRefused(f"the warm host can't be asked: {error}") from error
    return Fork(connection, _process(folder), folder / _LOG, fresh=fresh)


def start(seed: Seed) -> None:
    """Start the host for an engine, where it is not up already; returns at once.

    Raises
    ------
    HostRefused
        If it can't be started.
    """
    _connect_or_start(seed)[0].close()


def hosts() -> list[WarmHost]:
    """Return the hosts of this user that live, with what they say of themselves."""
    return [_seen(folder, facts) for folder, facts in _living()]


def pids() -> list[int]:
    """Return the processes of the hosts that live; nobody is asked for that."""
    return [facts.process.pid for _, facts in _living()]


def is_ready(python: str) -> bool:
    """Whether a host of this interpreter has imported its engine; nobody is asked for that."""
    return any(facts.python == python and (folder / _READY).exists() for folder, facts in _living())


def end() -> int:
    """End all hosts of this user and return how many there were; their servers go on."""
    ended = 0
    for folder, facts in _living():
        with contextlib.suppress(ProcessLookupError):
            os.kill(facts.process.pid, signal.SIGKILL)
        limit = time.monotonic() + _END_S
        while alive(facts.process) and time.monotonic() < limit:
            time.sleep(0.02)
        shutil.rmtree(folder, ignore_errors=True)
        ended += 1
    return ended


def _living() -> Iterator[tuple[Path, _Facts]]:
    try:
        folders = sorted(_root().iterdir())
    except OSError:
        return
    for folder in folders:
        with contextlib.suppress(*files.UNREADABLE):
            facts = _FACTS.decode((folder / "host.json").read_bytes())
            if alive(facts.process):
                yield folder, facts


def _seen(folder: Path, facts: _Facts) -> WarmHost:
    said = _Status()
    # One that still imports would answer only after that.
    ready = (folder / _READY).exists()
    with contextlib.suppress(OSError, msgspec.DecodeError), _connect(folder) as connection:
        connection.settimeout(ANSWER_S if ready else 0.0)
        connection.sendall(_line({"do": "status"}))
        answer = b""
        while not answer.endswith(b"\n") and (block := connection.recv(4096)):
            answer += block
        said = _STATUS.decode(answer)
    return WarmHost(
        engine=facts.engine,
        version=said.version or None,
        pid=facts.process.pid,
        started_at=facts.started_at,
        ready_s=said.ready_s,
        forked=said.forked,
        servers=said.servers,
        idle_left_s=said.idle_left_s,
        memory_bytes=memory_bytes([facts.process.pid]),
        reason=said.refuses,
    )


def _connect_or_start(seed: Seed) -> tuple[socket.socket, bool]:
    """Return a connection to the host, and whether it was started for that."""
    folder = _folder(seed.python, seed.environment, seed.engine)
    files.private_folder(_root())
    files.private_folder(folder)
    with files.locked(folder / "lock"):
        process = _process(folder)
        if alive(process):
            with contextlib.suppress(OSError):
                return _connect(folder), False
        try:
            _spawn(folder, seed)
            return _connect(folder), True
        except ConnectionError as error:
            # It listened before it ran: nobody else closes that socket.
            raise _ended(folder / _LOG) from error
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise HostRefused(f"no warm host can be started: {error}") from error


def _spawn(folder: Path, seed: Seed) -> None:
    """Start a host that listens already; the first process says who it is and leaves."""
    for name in ("host.sock", _READY):
        (folder / name).unlink(missing_ok=True)
    key = adapters.of(seed.engine).key.variable  # of one server, and none of a host's business
    kept = {name: value for name, value in seed.environment.items() if name != key}
    with socket.socket(socket.AF_UNIX) as listener, (folder / _LOG).open("wb") as log:
        with _through(folder) as address:
            # The folder is private, so nobody can come between the two.
            listener.bind(address)
            (folder / "host.sock").chmod(0o600)
        listener.listen(64)
        instructions: Instructions = {
            "listener": listener.fileno(),
            "idle_s": seed.idle_s,
            "keeper": keeper.__file__,
            "ready": str(folder / _READY),
            "command": seed.module,
            "ahead": modes.imported_ahead(seed.engine),
        }
        printed = subprocess.run(
            [seed.python, str(PROGRAM), "warm", json.dumps(instructions)],
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=(listener.fileno(),),
            timeout=_START_S,
            check=True,
        ).stdout
    known = identify(int(printed))
    if known is None:
        raise _ended(folder / _LOG)
    facts = _Facts(
        process=known,
        engine=seed.engine,
        python=seed.python,
        idle_s=seed.idle_s,
        started_at=time.time(),
    )
    files.write_atomic(folder / "host.json", msgspec.json.encode(facts))


def _ended(log: Path) -> HostRefused:
    """Return the one answer for a host that is gone, at whichever step that is seen."""
    words = next(iter(files.tail(log, 1)), "it said nothing")
    return HostRefused(f"the warm host has ended: {words}")


def _process(folder: Path) -> ProcessId | None:
    with contextlib.suppress(*files.UNREADABLE):
        return _FACTS.decode((folder / "host.json").read_bytes()).process
    return None


def _connect(folder: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _through(folder) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _through(folder: Path) -> Iterator[str]:
    """Give the socket's address by an open folder: an address has at most 107 bytes."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/host.sock"
    finally:
        os.close(handle)


def _folder(python: str, environment: Mapping[str, str], engine: str) -> Path:
    known = [python, sorted(modes.read_at_import(environment, engine).items())]
    return _root() / hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]


def _root() -> Path:
    return config.state_dir() / "hosts"


def _line(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request).encode() + b"\n"


def _umask() -> int:
    # There is no way to read it but to set it; the supervisor has one thread.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
