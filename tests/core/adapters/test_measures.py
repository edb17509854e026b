"""Which series of an engine feeds which of our columns."""

from __future__ import annotations

import msgspec
import pytest

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters.measures import COUNTERS, GAUGES, Metrics, Reason


def test_a_column_that_we_do_not_have_is_refused_with_those_that_we_have() -> None:
    for kind in ("gauge", "share", "counter", "histogram"):
        with pytest.raises(ValueError, match=f"odd is no {kind} that is known: "):
            msgspec.convert({kind: {"odd": ("x",)}}, Metrics)
    with pytest.raises(ValueError, match="gone is no reason that is known"):
        Reason(label="why", words={"x": "gone"})
    assert Reason(label="why", words={"stop": "stopped"}).label == "why"


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_the_built_in_engines_feed_what_every_engine_must(engine: str) -> None:
    names = adapters.get(engine).metrics
    assert set(names.gauge) == set(GAUGES)
    assert {"prompt_tokens", "generation_tokens"} <= set(names.counter) <= set(COUNTERS)
    assert names.histogram["ttft"]
