"""Tabs that ask at once share one reading of the core."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from aim_jupyter.core import api
from aim_jupyter.labserver import handlers
from aim_jupyter.labserver.sampler import Sampler
from tests.conftest import FakeEngine

TABS = 20
LIMIT_S = 30.0


def test_many_tabs_cost_one_reading(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake()
    assert api.ask_engine()
    readings: list[float] = []
    all_have_asked = threading.Event()
    read = api.overview

    def overview(**how: Any) -> Any:
        assert all_have_asked.wait(LIMIT_S)
        found = read(**how)
        readings.append(found.at)
        return found

    monkeypatch.setattr(api, "overview", overview)

    async def tabs() -> None:
        sampler = Sampler(handlers.read_status)
        asked = [asyncio.ensure_future(sampler.latest()) for _ in range(TABS)]
        await asyncio.sleep(0)
        # One tab is closed while it waits: the others lose nothing by it.
        asked.pop().cancel()
        all_have_asked.set()
        told = await asyncio.gather(*asked)
        assert len(readings) == 1
        assert all(each is told[0] for each in told)
        # What was changed through us is read anew.
        sampler.forget()
        assert await sampler.latest() is not told[0]
        assert len(readings) == 2

    asyncio.run(tabs())


def test_nobody_waits_for_an_engine_that_has_to_be_asked(fake: FakeEngine) -> None:
    fake()
    found = api.overview(ask=False)
    assert (found.engine, found.engine_known, found.next) == (None, False, ())
    assert api.ask_engine()
    found = api.overview(ask=False)
    assert found.engine_known
    assert found.engine is not None
    assert [step.line for step in found.next] == ["server = %aim launch"]
