"""What tests of servers say again and again."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
from msgspec.structs import replace

from aim_jupyter.core import api, serving
from aim_jupyter.core.records import ProcessId
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.state.process import alive

DEMO = Request(model="demo")
#: Seconds in which what takes one has come: on two cores that others use too, each process of
#: several may stand still for seconds at any point.
LIMIT_S = 60.0


def launch_ready(
    request: Request = DEMO, *, new: bool = False, limit_s: float = LIMIT_S
) -> ServerFolder:
    """Launch and wait until it is ready."""
    folder = api.launch(replace(request, new=new))
    for _ in api.wait(folder.name, limit_s=limit_s):
        pass
    return folder


def until(is_so: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait until `is_so` says so, or fail."""
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, "it did not become so in time"
        time.sleep(0.05)


def say(folder: ServerFolder, text: str) -> str:
    """Return what the model answers."""
    made = openai.OpenAI(base_url=folder.read().url, api_key=folder.key(), max_retries=0)
    with made as client:
        reply = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": text}]
        )
    return reply.choices[0].message.content or ""


def ended(folder: ServerFolder) -> None:
    """Stop it, and wait until its supervisor has left as well: it writes its last word before."""
    supervisor = serving.stop(folder).supervisor
    until(lambda: not alive(supervisor))


@contextlib.contextmanager
def speaking(folder: ServerFolder, text: str) -> Iterator[Callable[[], str]]:
    """Ask the model, and wait for its first word; what is given waits for the whole answer."""
    made = openai.OpenAI(base_url=folder.read().url, api_key=folder.key(), max_retries=0)
    with (
        made as client,
        client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": text}], stream=True
        ) as stream,
    ):
        first = next(stream)

        def rest() -> str:
            said = (chunk.choices[0].delta.content for chunk in (first, *stream) if chunk.choices)
            return "".join(filter(None, said))

        yield rest


def free_port() -> int:
    """Return a port that nobody has, and that the system gives to nobody who asks for any.

    One of those that it does give could be somebody else's before it is used here.
    """
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    others = [*range(10_000, low), *range(high + 1, 1 << 16)]
    while True:
        port: int = random.SystemRandom().choice(others)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def bytes_read() -> int:
    """Return how many bytes this process has read so far (``proc(5)``: ``rchar``).

    What does not read much is quick; how quick is a question of who else has the cores.
    """
    return int(Path("/proc/self/io").read_text().split()[1])


#: Promised: so long after any kill, nothing of ours is left that nobody supervises. Rounds of chaos
#: hold it to that; here, each of those who see to it may stand still for seconds besides.
MOST_S = 10.0 + 30.0


def kill(process: ProcessId | None) -> None:
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not alive(process))
