"""Coroutines beside a loop."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from aim_jupyter.work.aside import aside


def test_it_runs_beside_a_loop_and_an_interrupt_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def in_a_loop() -> int:
        return aside(answer())

    async def answer() -> int:
        return 42

    assert asyncio.run(in_a_loop()) == 42
    ended = threading.Event()

    async def long() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            ended.set()

    join = threading.Thread.join
    calls: list[float] = []

    def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
        if timeout == 0.2 and not calls:
            calls.append(time.monotonic())
            raise KeyboardInterrupt
        join(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        aside(long())
    assert ended.is_set()
