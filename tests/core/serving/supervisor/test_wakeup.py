"""Sleeping until something happens, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

HEAD = """
import os, signal, socket, subprocess, sys, time
from aim_jupyter.core.serving.state.process import identify
from aim_jupyter.core.serving.supervisor.wakeup import Waker, reap_others
told = []
waker = Waker()
waker.listen(lambda: told.append("term"))
"""


def run(code: str) -> str:
    """Return what a process says that sleeps and is woken; 600 s of sleep would fail it."""
    argv = [sys.executable, "-c", HEAD + code]
    return subprocess.run(
        argv, capture_output=True, text=True, check=True, timeout=120
    ).stdout.strip()


def test_a_signal_that_came_before_the_sleep_ends_it_at_once() -> None:
    assert run("os.kill(os.getpid(), 15)\nwaker.sleep(600)\nprint(told)") == "['term']"


def test_the_end_of_a_child_wakes_and_its_interrupts_do_not_end_it() -> None:
    code = """
os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGHUP)
child = subprocess.Popen(["/bin/true"])
waker.sleep(600)
print(child.wait())
"""
    assert run(code) == "0"


def test_the_end_of_anothers_child_wakes_where_it_is_watched() -> None:
    code = """
# Its parent is a shell that has gone: a grandchild that this process adopts and does not start.
line = subprocess.run(["/bin/sh", "-c", "sleep 600 >&- 2>&- & echo $!"], capture_output=True).stdout
process = identify(int(line))
with waker.watching([process, None]):
    os.kill(process.pid, 9)
    waker.sleep(600)
print("woken", waker._watched)
"""
    assert run(code) == "woken []"


def test_who_knocks_is_told_from_a_signal() -> None:
    code = """
door = socket.create_server(("127.0.0.1", 0))
print(waker.sleep(0.01, [door]))
caller = socket.create_connection(door.getsockname())
print(waker.sleep(600, [door]))
"""
    assert run(code).split() == ["False", "True"]


def test_orphans_are_reaped_and_the_own_child_is_left() -> None:
    code = """
own = subprocess.Popen(["/bin/sh", "-c", "read line; exit 7"], stdin=subprocess.PIPE)
known = identify(own.pid)
line = subprocess.run(["/bin/sh", "-c", "sleep 600 >&- 2>&- & echo $!"], capture_output=True).stdout
orphan = int(line)
os.kill(orphan, 9)
while os.path.exists(f"/proc/{orphan}"):
    reap_others(known)
own.stdin.close()
os.waitid(os.P_PID, own.pid, os.WEXITED | os.WNOWAIT)
reap_others(known)
print(own.wait())
"""
    assert run(code) == "7"
