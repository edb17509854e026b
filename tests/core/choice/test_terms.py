"""A verdict of the fit as the fields of a choice."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.choice import terms
from aim_jupyter.core.records import Choice
from aim_jupyter.core.records.fit import Band, Device, Fit, Settings
from aim_jupyter.core.sizes import GIB
from tests.core.planning.test_plan import RECIPE

DEVICE = Device(model="MI300X", family="rocm", total_bytes=192 * GIB, free_bytes=100 * GIB)


def band(low: float, high: float | None = None) -> Band:
    return Band(low * GIB, (low if high is None else high) * GIB)


FIT = Fit(
    model="m", verdict="FITS", reason="6 GiB to spare", settings=Settings(max_model_len=4096),
    device=DEVICE, weights=band(10), overhead=band(2, 4), available=band(8, 10), need=band(2),
    concurrency=Band(3.0, 4.0),
)  # fmt: skip


def test_a_sum_fills_its_fields_per_gpu() -> None:
    found = terms.terms(FIT)
    assert (found["weights_bytes"], found["total_bytes"]) == (10 * GIB, 192 * GIB)
    assert found["overhead_bytes"] == 3 * GIB
    assert (found["kv_bytes"], found["kv_need_bytes"]) == (9 * GIB, 2 * GIB)
    assert found["users_fit"] == 3.0
    assert "short_bytes" not in found
    assert terms.terms(FIT, long=True)["reason"] == "4,096 tokens each; 6 GiB to spare"


def test_what_is_short_is_said_and_no_cache_is_drawn_where_there_is_no_room() -> None:
    short = terms.terms(replace(FIT, verdict="NO", available=band(-5, -1), need=band(2)))
    assert short["short_bytes"] == 3 * GIB
    assert "kv_bytes" not in short


def test_without_a_sum_there_is_the_verdict_alone() -> None:
    assert set(terms.terms(replace(FIT, weights=None))) == {
        "verdict", "reason", "context_tokens", "kv_dtype",
    }  # fmt: skip


def test_on_a_processor_what_is_free_decides() -> None:
    cpu = Device(model="CPU", family="cpu", total_bytes=64 * GIB, free_bytes=8 * GIB)
    small = replace(RECIPE, memory_bytes=4 * GIB)
    assert terms.on_processor(small, FIT, cpu)["verdict"] == "FITS"
    large = terms.on_processor(replace(RECIPE, memory_bytes=9 * GIB), FIT, cpu)
    assert large["verdict"] == "NO"
    assert "9.0 GiB" in large["reason"]


def test_what_can_not_be_judged_is_never_called_fitting() -> None:
    choice = Choice(recipe=RECIPE, verdict="FITS", reason="")
    assert terms.unknown(choice, replace(FIT, device=None)).verdict == "TIGHT"
    weighed = replace(
        choice,
        recipe=replace(RECIPE, tp=1, weights=replace(RECIPE.weights, download_bytes=150 * GIB)),
    )
    assert terms.unknown(weighed, FIT).verdict == "NO"
    light = replace(weighed, recipe=replace(weighed.recipe, tp=2))
    assert terms.unknown(light, FIT).verdict == "TIGHT"
