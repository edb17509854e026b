"""An engine that is imported once, and forked: run by the engine's own interpreter.

``aim_host.py fork -m MODULE ARGUMENTS`` is the engine's own command but for one thing: its children
are forked, so that they do not import everything again.

``aim_host.py warm INSTRUCTIONS`` stays, having imported the engine, and forks a server for each
request that comes over its listening socket: one JSON object on one line, with descriptors beside
it; the answer is one too. `serving.start.told` says what they and the instructions hold.

A fork is made twice: the first child becomes the keeper of the server (`serving.keeper`) in a
session of its own; the second, its child, becomes the engine. So nothing that watches a server
depends on this process, and its death harms none.

Nothing of one server reaches the next: environment, limits, umask and working directory are those
of the request, and every descriptor is closed that was not there when the imports were done. A fork
is legal only while this process has no other Python thread and has not touched a GPU; that is
looked at each time, and otherwise refused with the reason.

Standard library only: nothing of this package can be imported here.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import multiprocessing
import os
import resource
import runpy
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aim_jupyter.core.serving.start.told import ForkRequest, Instructions, Question, Told

#: What vLLM asks for the way in which its children are made. The modules that ask import it by
#: name, so it is replaced before they are imported.
SYSTEM = "vllm.utils.system_utils"
RECEIVE_S = 5.0
MOST_BYTES, MOST_DESCRIPTORS = 1 << 22, 64
_PEER = struct.Struct("3i")


class Become(BaseException):
    """Raised in a forked process up to `main`, which then is nothing but the engine's command."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__(argv)
        self.argv = argv


class Host:
    """The process that forks.

    Parameters
    ----------
    listener : socket.socket
        Listening; only its owner can connect, and is asked for again.
    idle_s : float
        It ends after so long without a request or a server that lives.
    keeper : module
        Starts and keeps an engine; see `serving.keeper`.
    """

    def __init__(self, listener: socket.socket, idle_s: float, keeper: ModuleType) -> None:
        self.listener = listener
        self.idle_s = idle_s
        self.keeper = keeper
        self.children: set[int] = set()
        self.forked = 0
        self.began = time.monotonic()
        self.ready_s = 0.0
        self.active = self.began
        self.kept: set[int] = set()
        self.known_models: set[str] = set()

    def ready(self) -> None:
        """Note that all is imported; what is open now belongs to the libraries."""
        gc.collect()
        gc.freeze()
        self.kept = set(descriptors_open()) - {self.listener.fileno()}
        self.active = time.monotonic()
        self.ready_s = self.active - self.began

    def run(self) -> None:
        """Answer requests until nobody has wanted anything for long enough."""
        self.listener.settimeout(1.0)
        while self.children or time.monotonic() - self.active < self.idle_s:
            self._reap()
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(RECEIVE_S)
                # A request that can't be read or answered is its sender's trouble alone.
                with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
                    self._serve(connection)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid in self.children:
                    self.children.discard(pid)
                    self.active = time.monotonic()

    def _serve(self, connection: socket.socket) -> None:
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        if _PEER.unpack(peer)[1] != os.getuid():
            return
        request, descriptors = receive(connection)
        try:
            if request["do"] == "fork":
                answer = self._fork(request, descriptors, connection)
                self.active = time.monotonic()
            else:
                answer = self.status()
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        connection.sendall(json.dumps(answer).encode() + b"\n")
        if request["do"] == "fork":
            self._learn(request)

    def status(self) -> dict[str, Any]:
        """Return what the process is and has done; times in seconds."""
        return {
            "pid": os.getpid(),
            "version": sys.modules["vllm"].__version__,
            "ready_s": self.ready_s,
            "forked": self.forked,
            "servers": len(self.children),
            "idle_left_s": None
            if self.children
            else max(0.0, self.idle_s - (time.monotonic() - self.active)),
            "refuses": obstacle(),
        }

    # -- fork ------------------------------------------------------------------------------------

    def _fork(
        self, request: ForkRequest, descriptors: list[int], connection: socket.socket
    ) -> dict[str, Any]:
        reason = obstacle()
        if reason:
            return {"refused": reason}
        # The child names itself once it leads a session; until then nobody could find its own.
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            # What the host would close on its way out is no longer this process's to close.
            connection.detach()
            self.listener.detach()
            given = descriptors.copy()
            descriptors.clear()
            self._become(request, given, writer)
        os.close(writer)
        self.children.add(pid)
        self.forked += 1
        with os.fdopen(reader, "rb") as report:
            started = report.read(1) == b"."
        return {"pid": pid} if started else {"refused": "the forked process ended at once"}

    def _become(self, request: ForkRequest, descriptors: list[int], writer: int) -> None:
        """Be the keeper of a new server, and in its child the engine; never returns."""
        os.setsid()
        log, report, *leases = descriptors
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        close_others(self.kept | {0, 1, 2, report, writer, *leases})
        for lease in leases:
            os.set_inheritable(lease, True)  # noqa: FBT003 - positional by definition
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(name, signal.SIG_DFL)
        reset(request)
        name_process("aim-keeper " + request["told"]["folder"])
        os.write(writer, b".")
        os.close(writer)
        # The supervisor is not this process's parent: it is known by the lock that it holds.
        told: Told = {
            **request["told"],
            "parent": os.getppid(),
            "leases": leases,
            "report": report,
        }
        try:
            code = self.keeper.keep(told, self._start_engine)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        os._exit(code if code >= 0 else 128 - code)

    def _start_engine(self, argv: list[str]) -> int:
        """Fork the engine below its keeper, as `os.posix_spawn` would start it.

        Without an execution nothing closes what the keeper holds open for itself, its end of the
        engine's lifeline above all: it is closed here.
        """
        pid = os.fork()
        if pid:
            return pid
        os.setpgid(0, 0)
        for number in self.keeper.RESTORED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        close_others(self.kept | set(inheritable()))
        name_process(" ".join(argv))
        raise Become(argv)

    def _learn(self, request: ForkRequest) -> None:
        """Import the code of a model that was not served before: the next fork has it."""
        for name in architectures(request.get("model", "")) - self.known_models:
            self.known_models.add(name)
            try:
                registry = importlib.import_module("vllm.model_executor.models").ModelRegistry
                registry.models[name].load_model_cls()
            except Exception as error:  # the next start is slower, nothing else
                print(f"aim: {name} is not imported ahead: {error!r}", flush=True)
            else:
                gc.collect()
                gc.freeze()


def receive(connection: socket.socket) -> tuple[ForkRequest | Question, list[int]]:
    """Return a request and the descriptors beside it.

    Raises
    ------
    ValueError, TypeError
        If it is no JSON object on a line of at most `MOST_BYTES`.
    """
    data, descriptors = b"", list[int]()
    try:
        while not data.endswith(b"\n"):
            block, more, _, _ = socket.recv_fds(connection, 1 << 16, MOST_DESCRIPTORS)
            descriptors += more
            data += block
            if not block or len(data) > MOST_BYTES:
                break
        request: Any = dict(json.loads(data))
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    return request, descriptors


def reset(request: ForkRequest) -> None:
    """Give this process the environment, limits and umask of a request, and nothing of ours."""
    os.environ.clear()
    os.environ.update(request["environment"])
    for name, (soft, hard) in request["limits"].items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (soft, hard))
    os.umask(request["umask"])
    os.chdir(request["told"]["folder"])


def descriptors_open() -> list[int]:
    """Return the open descriptors; the last of them may be gone: the listing itself needed one."""
    return sorted(int(path.name) for path in Path("/proc/self/fd").iterdir())


def close_others(kept: set[int]) -> None:
    """Close every descriptor but `kept`."""
    for descriptor in descriptors_open():
        if descriptor not in kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def inheritable() -> Iterator[int]:
    """Yield the descriptors that an executed program would get."""
    for descriptor in descriptors_open():
        # The folder that was listed had a descriptor too, and it is gone.
        with contextlib.suppress(OSError):
            if os.get_inheritable(descriptor):
                yield descriptor


def name_process(name: str) -> None:
    """Set what ``ps`` shows, where the engine brings what that takes."""
    with contextlib.suppress(ImportError):
        importlib.import_module("setproctitle").setproctitle(name)


def obstacle() -> str:
    """Return why this process must not be forked now, empty where it may."""
    if threading.active_count() > 1:
        names = ", ".join(thread.name for thread in threading.enumerate()[1:])
        return f"it runs other threads: {names}"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return "it has initialised a GPU: its context does not survive a fork"
    return ""


def architectures(folder: str) -> set[str]:
    """Return the model classes that a folder's ``config.json`` names, none for anything else."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        return set(json.loads((Path(folder) / "config.json").read_bytes())["architectures"])
    return set()


def fork_children() -> None:
    """Let vLLM fork its children wherever that is legal at that moment."""
    system: Any = importlib.import_module(SYSTEM)
    spawned: Callable[[], Any] = system.get_mp_context

    def context() -> Any:
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            print("aim: children are spawned, a GPU is initialised", file=sys.stderr, flush=True)
            return spawned()
        # Nobody's garbage: out of the sight of the collections that parent and child will ask for.
        gc.freeze()
        return multiprocessing.get_context("fork")

    system.get_mp_context = context


def import_engine(command: str, ahead: Mapping[str, Sequence[str]]) -> None:
    """Import what a server needs; what this version does not have is left out."""
    importlib.import_module(command)
    platform = importlib.import_module("vllm.platforms").current_platform
    kinds = [kind for kind in ahead if kind == "any" or getattr(platform, f"is_{kind}")()]
    for name in (name for kind in kinds for name in ahead[kind]):
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"aim: {name} is not imported ahead: {error}", flush=True)


def stay_warm(told: Instructions) -> None:
    """Leave whoever started this, import the engine, and fork servers; see the module."""
    child = os.fork()
    if child:
        print(child, flush=True)
        os._exit(0)
    os.setsid()
    os.dup2(2, 1)
    os.chdir("/")
    spec = importlib.util.spec_from_file_location("aim_keeper", told["keeper"])
    assert spec and spec.loader  # noqa: S101, PT018
    keeper = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(keeper)
    host = Host(socket.socket(fileno=told["listener"]), told["idle_s"], keeper)
    fork_children()
    import_engine(told["command"], told["ahead"])
    host.ready()
    Path(told["ready"]).touch(0o600)
    host.run()


def main() -> None:
    """Do what the command line says, and be the engine's command where that is what remains."""
    # A script's own folder leads `sys.path`: our neighbours must not shadow the engine's modules.
    if Path(sys.path[0]).resolve() == Path(__file__).resolve().parent:
        del sys.path[0]
    mode, *words = sys.argv[1:]
    if mode == "fork":
        fork_children()
        argv = words
    else:
        try:
            stay_warm(json.loads(words[0]))
        except Become as become:
            # What the host put out of the collector's sight stays there: each of the collections
            # that vLLM asks for while it starts would walk all of the imports, and write to them.
            argv = become.argv[1:]
        else:
            return
    # ``-m MODULE ARGUMENTS``, as after the interpreter.
    sys.argv = argv[1:]
    try:
        runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
    except Exception:
        # Printed here: the interpreter would print the frames of the host below it as well.
        traceback.print_exc()
        sys.exit(1)


if __name__ == "__main__":
    main()
