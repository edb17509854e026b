"""The knee of ten engines whose surfaces are known, and a bench of the real one."""

from __future__ import annotations

import pytest

import aim_jupyter as aim
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.work.bench.theirs import Theirs
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

#: Requests that run at once, seconds of a word, seconds more for each other request: the sleeps are
#: so long that what the two programs themselves take says little.
SURFACES = (
    *((1, 0.05, 0.0), (2, 0.05, 0.0), (3, 0.06, 0.0), (5, 0.05, 0.0), (6, 0.08, 0.0)),
    *((8, 0.06, 0.0), (9, 0.07, 0.0), (11, 0.07, 0.0)),
    # Here no request waits: each slows the others.
    *((None, 0.08, 0.02), (None, 0.06, 0.01)),
)


def power(at_once: int, slots: int | None, token_s: float, slower_s: float) -> float:
    """Return the throughput over the latency that a surface has, but for a constant."""
    running = min(at_once, slots or at_once)
    return (running / (token_s + slower_s * (running - 1))) ** 2 / at_once


@pytest.mark.parametrize(("slots", "token_s", "slower_s"), SURFACES)
def test_the_knee_is_found(
    fake: FakeEngine, slots: int | None, token_s: float, slower_s: float
) -> None:
    fake(token_s=token_s, slower_s=slower_s, slots=slots)
    launch_ready()
    found = aim.bench("demo", tokens_in=12, tokens_out=4, most=32, rounds=3)
    best = found.record.best  # type: ignore[attr-defined]
    surface = (slots, token_s, slower_s)
    highest = max(power(at, *surface) for at in range(1, 33))
    assert power(best, *surface) >= 0.8 * highest, found.frame().to_string()
    if slots:
        assert slots / 1.25 <= best <= slots * 1.25


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_the_real_engine_is_measured_by_its_own_benchmark(real_engine: None) -> None:
    folder = launch_ready(limit_s=480)
    assert Theirs.serves(folder.read())
    handle = aim.bench("demo", tokens_in=32, tokens_out=8, at_once=[1, 4], rounds=2, ttft_ms=1e6)
    frame = handle.frame()
    assert list(frame["requests"]) == [8, 8]
    assert list(frame["failed"]) == [0, 0]
    assert list(frame["tokens_out"]) == [64, 64]
    assert (frame["prefix_hit_pct"] < 5).all(), "no two prompts are the same"
    assert (frame["others"] == 0).all()
    # Both sides count the same tokens; the engine's window is a little longer.
    assert (frame["engine_tok_s"] / frame["gen_tok_s"]).between(0.2, 1.05).all()
    assert frame["within"].all()
    with pytest.raises(BadUsage, match="takes"):
        aim.bench("demo", tokens_in=10_000, tokens_out=8)
