"""The card of a verdict, for models and machines of every size."""

from __future__ import annotations

import re

import pytest

from aim_jupyter.core.api import fitting
from aim_jupyter.core.recipes import catalogue
from aim_jupyter.render import fit_card, recipes_card
from tests.core.conftest import box, laptop, rank

MODELS = [
    "Qwen/Qwen3-32B",
    "CohereLabs/command-a-reasoning-08-2025",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct",
    "google/gemma-3-27b-it",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct",
]
_BELOW_ZERO = re.compile(r"(?<![\w.\-/])-\d[\d.,]*(?=\s|$)")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("machine", ["mi210:1", "mi300x:1", "mi355x:8", "rtx4090:1", "cpu"])
@pytest.mark.parametrize("more", [{}, {"users": 64}, {"max_model_len": 131_072, "users": 8}])
def test_no_amount_is_below_zero(
    model: str, machine: str, more: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = fitting.fit({"model": model, "machine": machine, **more})
    card = fit_card(found.fit, found.choice).text
    assert not _BELOW_ZERO.search(card), card
    assert " 0.0 such users" not in card
    if found.fit.verdict == "NO":
        assert "to spare" not in card.partition("change one thing")[0].partition("Nearest")[0]


@pytest.mark.parametrize("model", MODELS)
def test_the_sum_of_a_cpu_is_of_what_it_needs_and_what_is_free(model: str) -> None:
    for gib in (2, 16, 1500):
        ranked = rank(catalogue().find(model), laptop(gib))
        card = recipes_card(list(ranked), model).text
        assert not _BELOW_ZERO.search(card), card
        for one in ranked:
            parts = (one.weights_bytes, one.kv_bytes, one.overhead_bytes)
            if one.recipe.gpu_model == "cpu" and None not in parts and one.total_bytes:
                fits = sum(part or 0 for part in parts) <= one.total_bytes
                assert fits == (one.verdict == "FITS"), one.reason


@pytest.mark.parametrize("model", MODELS)
def test_no_table_of_recipes_shows_an_amount_below_zero(model: str) -> None:
    for machine in (box("MI210", 1), box("MI300X", 2)):
        for users in (None, 64):
            text = recipes_card(
                list(rank(catalogue().find(model), machine, users=users)), model
            ).text
            assert not _BELOW_ZERO.search(text), text


def test_the_room_beside_a_cpu_that_is_full_is_worth_nothing() -> None:
    found = fitting.fit({"model": "Qwen/Qwen3-32B", "machine": "cpu", "free_gib": 20})
    text = fit_card(found.fit, found.choice).text
    assert "NO: needs 64.4 GiB, 20.0 GiB are free" in text
    assert "such user" not in text
    assert "GiB of each GPU" not in text
    assert "kept free" in text


def test_beside_a_cache_of_fixed_size_the_rest_is_kept_free() -> None:
    found = fitting.fit({"model": "Qwen/Qwen3-8B", "machine": "cpu", "recipe": "cpu-bf16-tp1"})
    lines = {term.name: term for term in found.fit.terms}
    total = found.fit.device.total_bytes if found.fit.device else 0
    parts = [term for name, term in lines.items() if name != "KV cache needed"]
    assert sum(term.low_bytes + term.high_bytes for term in parts) / 2 == pytest.approx(total)
