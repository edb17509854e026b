"""The card of `%aim drift`."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.render import drift_card
from aim_jupyter.work.map.drift import Again, Drift
from aim_jupyter.work.records import Served

THEN = Served(model="m", revision="a", engine="vllm", engine_version="0.31.0")
ROW = Again(row=0, then="a b", now="a b", agree=2, tokens=2)
FOUND = Drift(
    run="m-1a2b",
    server="demo",
    rows=(ROW, replace(ROW, now="a c", agree=1)),
    then=THEN,
    now=THEN,
)


def test_the_sum_is_said_and_what_has_changed() -> None:
    text = drift_card(FOUND).text
    assert "1 of 2 answers the same, 75.0 % of their tokens." in text
    assert "The same settings answer." in text
    other = replace(FOUND, now=replace(THEN, engine_version="0.32.0", revision="b"))
    assert "What answers differs in revision and engine_version." in drift_card(other).text
    assert "0 of 0 answers" in drift_card(replace(FOUND, rows=())).text
