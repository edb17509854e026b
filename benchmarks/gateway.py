"""Measure what the gateway adds to a request and to each chunk of 200 streams, and its memory.

    .venv/bin/python benchmarks/gateway.py

Baseline: the same engine, a stand-in of one loop that writes the time into each chunk, asked
directly, in rounds that alternate with those through the gateway. Engine, gateway and client are
processes of their own, and share the machine's cores.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from _smoke import size
from aiohttp import web

from aim_jupyter.core.api import directory
from aim_jupyter.core.api.directory import Listed
from aim_jupyter.core.records import Plan, ServerRecord
from aim_jupyter.relay import app

STREAMS, ROUNDS, CHUNKS = size((200, 3, 30), (4, 1, 3))
SHORT, MANY = size((300, 5_000), (10, 50))
EVERY_S = 0.1
BODY = {"model": "stand-in", "messages": [{"role": "user", "content": "hello"}]}


class Place(NamedTuple):
    """Where requests go."""

    url: str
    key: str


def engine() -> None:
    """Be the engine: its port first, then answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        said = await request.json()
        if not said.get("stream"):
            return web.json_response({"object": "chat.completion"})
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        for _ in range(said["chunks"]):
            await asyncio.sleep(EVERY_S)
            await reply.write(b"data: %.7f\n\n" % time.monotonic())
        return reply

    async def serve() -> None:
        routes = web.Application()
        routes.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(routes, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


def gateway(port: int) -> None:
    """Be the gateway before an engine: its address first, then what passes."""
    plan = Plan(
        server="stand-in", model="stand-in", recipe_id="", origin="", engine="vllm", engine_name="",
        engine_version="", platform="cpu", model_path="", argv=(), env={},
    )  # fmt: skip
    record = ServerRecord(name="stand-in", plan=plan, port=port, state="running")
    directory._live = lambda: iter([Listed(name="stand-in", record=record, key="engine")])  # noqa: SLF001
    with app.serving() as address:
        print(json.dumps([address.base_url, address.api_key]), flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def child(*words: str) -> Iterator[tuple[int, str]]:
    """Run one of the above, and give its process and first line."""
    command = [sys.executable, __file__, *words]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as done:
        assert done.stdout is not None
        try:
            yield done.pid, done.stdout.readline()
        finally:
            done.terminate()


async def streamed(session: aiohttp.ClientSession, at: Place, after_s: float) -> list[float]:
    """Return the delays of a stream's chunks, in milliseconds."""
    await asyncio.sleep(after_s)
    body = {**BODY, "stream": True, "chunks": CHUNKS}
    async with session.post(f"{at.url}/chat/completions", json=body) as reply:
        found = [
            1e3 * (time.monotonic() - float(line[6:]))
            async for line in reply.content
            if line.startswith(b"data: ")
        ]
    assert len(found) == CHUNKS
    return found


async def short(session: aiohttp.ClientSession, at: Place) -> float:
    """Return what a short request takes, in milliseconds."""
    began = time.perf_counter()
    async with session.post(f"{at.url}/chat/completions", json=BODY) as reply:
        assert reply.status == 200
        await reply.read()
    return 1e3 * (time.perf_counter() - began)


def opened(at: Place) -> Any:
    """Return a session that sends the key."""
    headers = {"Authorization": f"Bearer {at.key}"}
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    return aiohttp.ClientSession(headers=headers, connector=connector)


async def round_of(at: Place) -> tuple[list[float], list[float]]:
    """Return the delays of all chunks of the streams, and of short requests alone after them."""
    async with opened(at) as session:
        spread = (EVERY_S * number / STREAMS for number in range(STREAMS))
        all_of = await asyncio.gather(*(streamed(session, at, after) for after in spread))
        alone = [await short(session, at) for _ in range(SHORT)]
    return [each for one in all_of for each in one], alone


async def many(at: Place) -> None:
    """Ask short requests, 50 at once."""
    left = asyncio.Semaphore(50)

    async def one(session: aiohttp.ClientSession) -> None:
        async with left:
            await short(session, at)

    async with opened(at) as session:
        await asyncio.gather(*(one(session) for _ in range(MANY)))


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def cpu_s(pid: int) -> float:
    """Return the CPU time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def told(name: str, direct: list[float], through: list[float]) -> None:
    """Print medians and 99th percentiles, and what is added."""
    for word, at in (("p50", 49), ("p99", 98)):
        one, other = (statistics.quantiles(each, n=100)[at] for each in (direct, through))
        print(f"{name:<24} {word}  {one:7.2f} {other:9.2f} {other - one:+8.2f}")


def main() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as state,
        child("engine") as (_, port),
        child("gateway", port.strip(), state) as (pid, said),
    ):
        direct = Place(f"http://127.0.0.1:{port.strip()}/v1", "engine")
        through = Place(*json.loads(said))
        print(f"{'ms':<24}      direct   gateway    added")
        for number in range(ROUNDS):
            one, began = asyncio.run(round_of(direct)), cpu_s(pid)
            other, took_s = asyncio.run(round_of(through)), cpu_s(pid) - began
            told(f"{number + 1}: chunk, {STREAMS} streams", one[0], other[0])
            told(f"{number + 1}: short request", one[1], other[1])
            print(f"{number + 1}: CPU of the gateway  {took_s:.2f} s, {STREAMS * CHUNKS} chunks")
        asyncio.run(many(through))
        before = memory_mib(pid)
        asyncio.run(many(through))
        print(f"memory after {MANY} requests {before:.1f} MiB, twice as many {memory_mib(pid):.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["engine"]:
        engine()
    elif sys.argv[1:2] == ["gateway"]:
        os.environ["AIM_STATE_DIR"] = sys.argv[3]
        gateway(int(sys.argv[2]))
    else:
        main()
