"""An engine that is imported once, and forked: its parts, each in a process where it may be."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from aim_jupyter.core.serving.host import aim_host

#: A host of an engine that is one line, with a keeper that only forks.
HOST = """
import json, os, socket, sys, types
from pathlib import Path
from aim_jupyter.core.serving.host import aim_host
sys.modules["vllm"] = types.SimpleNamespace(__version__="0.32.0")
def keep(told, spawn):
    pid = spawn(told["engine"])
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
keeper = types.SimpleNamespace(RESTORED=(), keep=keep)
listener = socket.socket(fileno=int(sys.argv[1]))
host = aim_host.Host(listener, float(sys.argv[2]), keeper)
host.ready()
try:
    host.run()
    print("idle", flush=True)
except aim_host.Become as become:
    Path("became").write_text(json.dumps([become.argv, dict(os.environ), os.getcwd()]))
    os._exit(7)
"""


@contextmanager
def hosted(listener: socket.socket, idle_s: float = 600.0) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", HOST, str(listener.fileno()), str(idle_s)]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, pass_fds=[listener.fileno()]
    ) as host:
        try:
            yield host
        finally:
            host.kill()


def asked(path: Path, request: object, descriptors: tuple[int, ...] = ()) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))
        socket.send_fds(caller, [json.dumps(request).encode() + b"\n"], descriptors)
        with caller.makefile("rb") as answer:
            found: dict[str, object] = json.loads(answer.readline() or b"{}")
    return found


@pytest.fixture
def listener(tmp_path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(tmp_path / "s"))
    made.listen()
    return made


def test_a_host_that_nobody_wants_leaves(listener: socket.socket) -> None:
    with listener, hosted(listener, 0.0) as host:
        assert host.communicate(timeout=120)[0] == "idle\n"


def test_it_says_what_it_is_and_nonsense_does_not_end_it(
    listener: socket.socket, tmp_path: Path
) -> None:
    with listener, hosted(listener) as host:
        nonsense: object
        for nonsense in ([], "x", {}):
            assert asked(tmp_path / "s", nonsense) == {}
        told = asked(tmp_path / "s", {"do": "status"})
        assert (told["pid"], told["version"], told["refuses"]) == (host.pid, "0.32.0", "")
        assert (told["forked"], told["servers"]) == (0, 0)


def test_a_fork_is_the_engine_in_its_own_folder_with_its_own_environment(
    listener: socket.socket, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"architectures": []}')
    request = {
        "do": "fork",
        "told": {"folder": str(tmp_path), "engine": ["python", "-m", "serve"]},
        "environment": {"ONLY": "this"},
        "limits": {},
        "umask": 0o077,
        "model": str(tmp_path),
    }
    log = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    reader, writer = os.pipe()
    with listener, hosted(listener):
        answer = asked(tmp_path / "s", request, (log, writer))
        os.close(writer)
        assert os.read(reader, 1) == b""  # all of it has ended
        assert isinstance(answer["pid"], int)
        assert asked(tmp_path / "s", {"do": "status"})["forked"] == 1
    os.close(log)
    os.close(reader)
    argv, environment, folder = json.loads((tmp_path / "became").read_text())
    assert (argv, folder) == (["python", "-m", "serve"], str(tmp_path))
    assert environment.pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"
    assert environment == {"ONLY": "this"}


def test_descriptors_come_with_a_request_and_are_closed_with_a_broken_one() -> None:
    ours, theirs = socket.socketpair()
    reader, writer = os.pipe()
    with ours, theirs:
        socket.send_fds(ours, [b'{"do": "st', b'atus"}\n'], [writer])
        os.close(writer)
        request, (given,) = aim_host.receive(theirs)
        assert request == {"do": "status"}
        socket.send_fds(ours, [b"{broken}\n"], [given])
        os.close(given)
        with pytest.raises(ValueError, match="property name"):
            aim_host.receive(theirs)
    assert os.read(reader, 1) == b""  # nobody has the other end any more
    os.close(reader)


def test_more_than_a_request_is_cut_off() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        flood = threading.Thread(target=ours.sendall, args=(b"x" * (aim_host.MOST_BYTES + 1),))
        flood.start()
        with pytest.raises(ValueError, match="Expecting value"):
            aim_host.receive(theirs)
        flood.join()


def test_what_must_not_be_forked_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    initialized = {"is": False}
    cuda = SimpleNamespace(is_initialized=lambda: initialized["is"])
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert aim_host.obstacle() == ""
    initialized["is"] = True
    assert "initialised a GPU" in aim_host.obstacle()
    monkeypatch.undo()
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="worker-7")
    thread.start()
    assert "worker-7" in aim_host.obstacle()
    done.set()
    thread.join()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"architectures": null}', "\x00"])
def test_a_folder_that_names_no_class_names_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert aim_host.architectures(str(tmp_path)) == set()
    (tmp_path / "config.json").write_text('{"architectures": ["A", "B", "A"]}')
    assert aim_host.architectures(str(tmp_path)) == {"A", "B"}
    assert aim_host.architectures(str(tmp_path / "none")) == set()


def test_children_are_forked_until_a_gpu_is_initialised(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    system = ModuleType(aim_host.SYSTEM)
    system.get_mp_context = lambda: "spawned"  # type: ignore[attr-defined]
    for name in ("vllm", "vllm.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, aim_host.SYSTEM, system)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    aim_host.fork_children()
    assert system.get_mp_context().get_start_method() == "fork"
    torch = SimpleNamespace(cuda=SimpleNamespace(is_initialized=lambda: True))
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert system.get_mp_context() == "spawned"
    assert "children are spawned" in capsys.readouterr().err
