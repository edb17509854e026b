"""Our sum against what vLLM's own code counts: ``counted.json``, made by the driver."""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple

from msgspec import structs

from aim_jupyter.core import fit
from aim_jupyter.core.records.fit import Band
from aim_jupyter.core.sizes import GIB
from tests.core.fit.drivers import table

ROOM = 400 * GIB
# What differs by more than half a per cent, and why.
EXCEPTIONS: dict[str, str] = {
    "mistralai/Ministral-3-3B-Instruct-2512": "FP8 rows of the tower, cut by eight",
    "openai/gpt-oss-20b": "experts of 360 elements are widened a little further",
    "gptq experts of 32": "zero points of other layers than experts",
}


class Row(NamedTuple):
    """One line of the table, with our own figures."""

    name: str
    weights: float
    concurrency: float | None


@functools.cache
def rows() -> tuple[Row, ...]:
    """Return how far ours are from the table's, each as a share."""
    cases, kept = table.cases(), json.loads(table.FILE.read_bytes())
    found = []
    for line, (_, *counted) in kept.items():
        name, gfx, tp = line.rsplit("|", 2)
        if len(counted) == 3:
            found.append(_row(line, cases[name], gfx, int(tp), counted))
    return tuple(found)


def _row(line: str, config: Any, gfx: str, tp: int, counted: list[int]) -> Row:
    weights, block, blocks = counted
    question = fit.Request(
        model=line,
        architecture=fit.architecture(config),
        device=fit.device(table.MACHINES[gfx]),
        settings=table.settings(config, tp),
    )
    ours = fit.assess(question)
    assert ours.weights is not None, f"{line}: {ours.reason}"
    if not block:
        return Row(line, ours.weights.low / weights - 1, None)
    room = fit.assess(structs.replace(question, available=Band(ROOM, ROOM)))
    assert room.concurrency is not None
    theirs = ROOM // block / blocks
    return Row(line, ours.weights.low / weights - 1, room.concurrency.low / theirs - 1)


def test_the_table_is_of_the_configs_that_are_known() -> None:
    cases, kept = table.cases(), json.loads(table.FILE.read_bytes())
    stale = [name for name, line in kept.items() if line[0] != table.mark(cases[_of(name)])]
    assert not stale, f"run {table.__name__}: {stale[:3]}"
    assert len({_of(name) for name in kept}) >= 150
    assert {name.split("|", 1)[1] for name in kept} == {
        "gfx942|1",
        "gfx942|8",
        "gfx950|1",
        "gfx950|8",
    }


def _of(line: str) -> str:
    return line.rsplit("|", 2)[0]


def test_concurrency_is_that_of_the_engine() -> None:
    off = {row.name: row.concurrency for row in rows() if abs(row.concurrency or 0) > 0.0001}
    assert not off


def test_weights_are_those_of_the_engine() -> None:
    off = {row.name: f"{row.weights:+.2%}" for row in rows() if abs(row.weights) > 0.005}
    assert {_of(name) for name in off} == set(EXCEPTIONS), off
    assert len(off) <= 0.02 * len(rows())
