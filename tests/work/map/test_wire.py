"""Requests over connections that stay open: whatever an engine writes, in whatever pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from aim_jupyter.work.map import wire
from aim_jupyter.work.map.wire import BROKEN, Overdue, Place, Reply, Wire

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
)
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def asked(place: Path, speak: Speak, times: int = 1) -> tuple[list[Reply], int]:
    """Return what came of so many requests one after the other, and over how many connections."""
    connections = 0

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            await speak(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_unix_server(met, place / "s")
    line = Wire(Place(socket=str(place / "s")))
    try:
        return [await line.send("POST", "/x", b"{}") for _ in range(times)], connections
    finally:
        await line.close()
        server.close()


def saying(*answers: bytes, piece: int = 1 << 20, ends: bool = False) -> Speak:
    """Give one answer after the other, in pieces of so many bytes."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readuntil(b"{}")
            for at in range(0, len(answer), piece):
                writer.write(answer[at : at + piece])
                await writer.drain()
                await asyncio.sleep(0)
        if not ends:
            await reader.read()

    return speak


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_an_answer_is_read_in_any_pieces_and_the_connection_kept(
    tmp_path: Path, piece: int
) -> None:
    replies, connections = asyncio.run(asked(tmp_path, saying(LENGTH, CHUNKS, piece=piece), 2))
    assert replies == [Reply(200, b"hello"), Reply(201, b"hello")]
    assert connections == 1


def test_an_answer_without_a_length_ends_with_its_connection(tmp_path: Path) -> None:
    said = b"HTTP/1.0 200 OK\r\n\r\nall of it"
    replies, connections = asyncio.run(asked(tmp_path, saying(said, ends=True), 2))
    assert replies == [Reply(200, b"all of it")] * 2
    assert connections == 2


def test_a_connection_that_was_closed_while_idle_is_opened_again(tmp_path: Path) -> None:
    replies, connections = asyncio.run(asked(tmp_path, saying(LENGTH, ends=True), 3))
    assert replies == [Reply(200, b"hello")] * 3
    assert connections == 3


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        LENGTH[:-2],
        CHUNKS[:-6],
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"x" * (wire._HEAD + 1),
    ],
)
def test_what_breaks_off_or_is_no_answer_is_said(tmp_path: Path, said: bytes) -> None:
    with pytest.raises(BROKEN):
        asyncio.run(asked(tmp_path, saying(said, ends=True)))


def test_an_answer_tells_how_many_people_have_asked(tmp_path: Path) -> None:
    told = LENGTH.replace(b"Content", b"X-Aim-People: 12\r\nContent")
    replies, _ = asyncio.run(asked(tmp_path, saying(told, LENGTH), 2))
    assert [reply.people for reply in replies] == [12, None]
    with pytest.raises(BROKEN):
        asyncio.run(asked(tmp_path, saying(told.replace(b"12", b"many"), ends=True)))


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BROKEN):
        asyncio.run(Wire(Place(socket=str(tmp_path / "none"))).send("GET", "/"))


def test_an_answer_that_is_overdue_is_given_up(tmp_path: Path) -> None:
    async def ask() -> None:
        met, left = asyncio.Event(), asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            met.set()
            await reader.read()
            writer.close()
            await writer.wait_closed()
            left.set()

        server = await asyncio.start_unix_server(silent, tmp_path / "s")
        line = Wire(Place(socket=str(tmp_path / "s")))
        asked = asyncio.create_task(line.send("GET", "/"))
        await met.wait()
        line.give_up(3600.0)
        line.give_up(-1.0)
        try:
            await asked
        finally:
            await left.wait()
            server.close()

    with pytest.raises(Overdue):
        asyncio.run(ask())
