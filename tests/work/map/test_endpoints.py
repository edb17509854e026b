"""Where rows are asked: what an engine says of itself, and what it can be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import adapters
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.work.map import endpoints
from aim_jupyter.work.map.pace import Blocks
from tests.waiting import DEMO, launch_ready

METRICS = Path(__file__).parents[2] / "core" / "metrics" / "data"


def test_the_blocks_of_all_engines_of_a_server_are_added_up() -> None:
    cache = adapters.get("vllm").metrics.cache
    assert cache is not None
    text = (METRICS / "vllm-0.32-dp2.prom").read_text()
    assert endpoints._blocks(text, cache) == Blocks(256, 128)
    assert endpoints._blocks(text.replace('num_gpu_blocks="128"', ""), cache) is None
    assert endpoints._blocks("", cache) is None


def test_a_short_row_takes_a_whole_block() -> None:
    assert Blocks(44, 128).room(79) == 44
    assert Blocks(44, 128).room(129) == 22
    assert Blocks(44, 128).room(100_000) == 0


def test_an_engine_says_its_load_and_blocks_and_goes_by_priority(
    fake: Callable[..., Path],
) -> None:
    fake(slots=4)
    launch_ready()
    (place,) = endpoints.named(None)
    assert place.behind == {"priority": 1}

    async def look() -> tuple[object, object]:
        await place.connected()
        try:
            return await place.load(), await place.blocks()
        finally:
            await place.leave()

    load, blocks = asyncio.run(look())
    assert load is not None
    assert blocks == Blocks(4, 128)


def test_one_that_was_launched_without_priorities_is_asked_for_none(
    fake: Callable[..., Path],
) -> None:
    fake()
    launch_ready(replace(DEMO, options={"scheduling-policy": "fcfs"}))
    (place,) = endpoints.named(None)
    assert place.behind == {}


def test_what_changes_no_answer_is_no_part_of_what_answers(fake: Callable[..., Path]) -> None:
    fake()
    launch_ready(replace(DEMO, name="one"))
    launch_ready(replace(DEMO, name="two", options={"max-num-seqs": "4"}))
    launch_ready(replace(DEMO, name="three", options={"dtype": "float16"}))
    one, two = endpoints.named(["one", "two"])
    assert one.served().record == two.served().record
    with pytest.raises(BadUsage, match="serve different things"):
        endpoints.named(["one", "three"])


def test_names_and_addresses_that_lead_nowhere_are_said(isolated: Path) -> None:
    with pytest.raises(UnknownName):
        endpoints.named("none")
    with pytest.raises(BadUsage, match="no address"):
        endpoints.named("ftp://here")


def test_options_are_read_as_they_are_written() -> None:
    argv = ("vllm", "--a", "1", "--b=2", "--c", "--d", "x", "y")
    assert endpoints.options(argv) == {"a": "1", "b": "2", "c": "", "d": "x y"}
