"""The nearest launches that would fit: one thing changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.fit.conftest import ask
from tests.core.fit.memory.test_verdict import LONG


def test_each_offer_changes_one_thing_and_leads_where_it_says() -> None:
    asked: dict[str, Any] = {"engine_version": "0.16", "machine": "mi300x:8", **LONG}
    offers = ask(**asked)["counter_offers"]
    assert 3 <= len(offers) <= 5
    for offer in offers:
        then = ask(**{**asked, offer["setting"]: offer["value"]})
        assert then["verdict"] == offer["verdict"]
        assert then["spare_kv_gib"][0] == pytest.approx(offer["spare_kv_gib"], abs=1e-3)
    assert {"kv_dtype", "max_model_len", "quantization", "tp"} <= {o["setting"] for o in offers}
    verdicts = [offer["verdict"] for offer in offers]
    assert verdicts == sorted(verdicts)


def test_nothing_is_offered_where_all_is_well_or_nothing_is_known() -> None:
    assert ask(max_model_len=4096)["counter_offers"] == []
    assert ask("nobody/knows-this")["counter_offers"] == []


@pytest.mark.parametrize(("gfx", "offered"), [("gfx942", 2), ("gfx90a", 0)])
def test_fp8_is_offered_only_where_the_gpu_has_it(gfx: str, offered: int) -> None:
    machine = {"model": "GPU", "total_gib": 191.98, "gfx": gfx}
    offers = ask(machine=machine, engine_version="0.16", **LONG)["counter_offers"]
    assert sum(offer["value"] == "fp8" for offer in offers) == offered
