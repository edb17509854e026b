"""A local address of what listens on another node: bytes through one pipe, any number of streams.

``python -m aim_jupyter.core.places.relay near PORT IDLE_S WAY…`` goes into the background, listens
on this machine's loopback, says its pid and its port, runs the words of the way (a step of Slurm's,
ssh) with the far end as their command, and leaves when that has ended, or nobody has used it for
`IDLE_S`. The far end,
``… relay far TARGET``, connects to a socket file or a port of its own loopback. Nothing listens on
the network, and the key of a server passes as its client sends it.

A frame is a stream's number, a kind, a length and so many bytes. Each stream may have `WINDOW`
bytes under way in each direction: one that nobody reads holds up no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import sys
from collections.abc import Awaitable, Callable

WINDOW = 1 << 20
PIECE = 1 << 16
OPEN, DATA, END, RESET, CREDIT = range(5)
_HEAD = struct.Struct(">IBI")
#: What the far end says first: a login shell may have said something before.
HELLO = b"\0aim relay 1\n"
_MOST_NOISE = 1 << 16
HELLO_S = 60.0
#: Seconds in which a connection that is closed takes what was still written to it.
CLOSE_S = 2.0

Opener = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class _Stream:
    """One connection, at either end."""

    def __init__(self) -> None:
        self.credit = WINDOW
        self.more = asyncio.Event()
        self.arrived: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.gone = False


class Mux:
    """Any number of streams over a reader and a writer.

    Parameters
    ----------
    opener : callable or None
        Makes the connection of a stream that the other end opens; None where it may open none.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        opener: Opener | None = None,
    ) -> None:
        self._reader, self._writer, self._opener = reader, writer, opener
        self._streams: dict[int, _Stream] = {}
        self._next = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a stream is open."""
        return bool(self._streams)

    async def run(self) -> None:
        """Read frames until the other end has gone."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await self._reader.readexactly(_HEAD.size)
                number, kind, length = _HEAD.unpack(head)
                if length > PIECE:
                    return
                self._take(number, kind, await self._reader.readexactly(length))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, number: int, kind: int, data: bytes) -> None:
        if kind == OPEN and self._opener is not None:
            # Here, not in the task: what the stream brings may be the very next frame.
            self._streams[number] = opened = _Stream()
            self._keep(self._opened(number, opened, self._opener))
            return
        stream = self._streams.get(number)
        if stream is None:
            return
        if kind == DATA:
            stream.arrived.put_nowait(data)
        elif kind == END:
            stream.arrived.put_nowait(None)
        elif kind == CREDIT:
            stream.credit += int.from_bytes(data, "big")
            stream.more.set()
        elif kind == RESET:
            stream.gone = True
            stream.arrived.put_nowait(None)
            stream.more.set()

    def _keep(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _opened(self, number: int, stream: _Stream, opener: Opener) -> None:
        try:
            reader, writer = await opener()
        except OSError:
            await self._send(number, RESET)
            del self._streams[number]
            return
        await self._join(number, stream, reader, writer)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry a connection of this end to the other."""
        self._next += 1
        number = self._next
        self._streams[number] = stream = _Stream()
        await self._send(number, OPEN)
        await self._join(number, stream, reader, writer)

    async def _join(
        self,
        number: int,
        stream: _Stream,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        out = asyncio.ensure_future(self._read_out(number, stream, reader))
        try:
            await self._write_in(number, stream, writer)
            if not stream.gone:
                # The other end has said all; this one may still be speaking.
                await out
        except (ConnectionError, OSError):
            await self._send(number, RESET)
        finally:
            out.cancel()
            self._streams.pop(number, None)
            writer.close()
            # One that reads no more would be waited for without an end, also when all is over.
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await writer.wait_closed()

    async def _read_out(self, number: int, stream: _Stream, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(PIECE):
                while stream.credit < len(data) and not stream.gone:
                    stream.more.clear()
                    await stream.more.wait()
                stream.credit -= len(data)
                await self._send(number, DATA, data)
            await self._send(number, END)
        except (ConnectionError, OSError):
            await self._send(number, RESET)
            stream.arrived.put_nowait(None)

    async def _write_in(self, number: int, stream: _Stream, writer: asyncio.StreamWriter) -> None:
        while (data := await stream.arrived.get()) is not None:
            writer.write(data)
            await writer.drain()
            await self._send(number, CREDIT, len(data).to_bytes(4, "big"))
        if writer.can_write_eof() and not stream.gone:
            writer.write_eof()

    async def _send(self, number: int, kind: int, data: bytes = b"") -> None:
        self._writer.write(_HEAD.pack(number, kind, len(data)) + data)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()


async def far(target: str) -> None:
    """Be the end at the server: open what it is asked to, until its input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, sys.stdout.buffer
    )
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)

    async def opener() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if target.startswith("unix:"):
            return await asyncio.open_unix_connection(target.removeprefix("unix:"))
        host, _, port = target.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    writer.write(HELLO)
    await Mux(reader, writer, opener).run()


async def near(port: int, idle_s: float, way: list[str]) -> None:
    """Be the end at the client: listen, and carry each connection to the far end."""
    child = await asyncio.create_subprocess_exec(
        *way, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None  # noqa: S101 - they are pipes
    assert child.stdout is not None  # noqa: S101
    try:
        await asyncio.wait_for(_greeted(child.stdout), HELLO_S)
        mux = Mux(child.stdout, child.stdin)
        async with await _listening(mux, port) as listener:
            _say(os.getpid(), listener.sockets[0].getsockname()[1])
            watch = asyncio.ensure_future(_idle(mux, idle_s))
            done = asyncio.ensure_future(mux.run())
            await asyncio.wait([watch, done], return_when=asyncio.FIRST_COMPLETED)
            watch.cancel()
            done.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(child.wait(), 10.0)


async def _greeted(reader: asyncio.StreamReader) -> None:
    """Leave out what comes before the far end's first word."""
    seen = b""
    while not seen.endswith(HELLO):
        byte = await reader.read(1)
        if not byte or len(seen) > _MOST_NOISE:
            raise ConnectionError("the far end said nothing")
        seen += byte


async def _listening(mux: Mux, port: int) -> asyncio.Server:
    """Listen on that port, or on another where somebody has it meanwhile."""
    try:
        return await asyncio.start_server(mux.carry, "127.0.0.1", port)
    except OSError:
        return await asyncio.start_server(mux.carry, "127.0.0.1", 0)


def _say(*numbers: int) -> None:
    """Say it to whoever has started this, who waits for the end of what is said."""
    print(*numbers, flush=True)  # noqa: T201 - that is how it is told
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


async def _idle(mux: Mux, idle_s: float) -> None:
    """Return once nobody has used it for so long."""
    loop = asyncio.get_running_loop()
    used = loop.time()
    while loop.time() - used < idle_s:
        await asyncio.sleep(min(1.0, idle_s))
        if mux.busy:
            used = loop.time()


def main(role: str, *words: str) -> int:
    """Be one of the two ends."""
    if role == "far":
        asyncio.run(far(*words))
        return 0
    port, idle_s, *way = words
    if os.fork():
        # Whoever opens a way has no child to look after; it waits for the pipe, not for this.
        os._exit(0)
    os.setsid()
    try:
        asyncio.run(near(int(port), float(idle_s), way))
    except (TimeoutError, OSError) as error:
        sys.exit(f"aim: the way to the server's node is closed: {error!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
