"""The card below the table of recipes."""

from __future__ import annotations

from aim_jupyter.render import (
    fitbar,
    recipes_card,
)
from tests.render import fits
from tests.render.pages import Page


def test_recipes_compare_the_best_of_each_verdict() -> None:
    card = recipes_card(fits.CHOICES, "Qwen/Qwen3-32B")
    page = Page(card.html)
    assert page.text.startswith(
        "aim Qwen/Qwen3-32B · 16 users at 32,768 tokens · GPU 4 and 5 3 fit · 1 tight · 3 do not"
    )
    labels = [bar["aria-label"] for bar in page.having(role="img")]
    assert [label.split(":")[0] for label in labels] == [
        *("mi300x-fp8-tp1", "mi300x-fp8-tp1-batch", "mi300x-bf16-tp1"),
    ]
    for said in (card.text, page.text):
        assert "31.9 weights + 137.9 KV cache + 6.8 overhead + 15.4 kept free = 192.0 GiB" in said
        assert "needs 128.0: 9.9 GiB to spare" in said
        assert "needs 128.0: 1.5 GiB to spare, ±2.2" in said
        assert "needs 128.0: 19.2 GiB short" in said
        assert "To make mi300x-bf16-tp1 fit, change one thing" in said
        assert "44.8 GiB to spare; KV cache in FP8" in said
    marked = [
        span.text for span in page.named("span") if "inline-block;font-weight:600" in span["style"]
    ]
    assert marked == ["--kv-cache-dtype fp8", "--context 26624"]


def test_the_parts_of_a_bar_make_up_the_whole() -> None:
    for choice in fits.CHOICES[:5]:
        known = fitbar.terms(choice)
        assert known is not None
        total = known.weights + known.kv + known.overhead + known.free
        assert abs(total - known.total) < 1e-9


def test_recipes_without_a_sum_are_listed_with_verdict_and_reason() -> None:
    card = recipes_card(fits.CPU_CHOICES)
    page = Page(card.html)
    assert not page.having(role="img")
    for said in (card.text, page.text):
        for choice in fits.CPU_CHOICES:
            assert choice.recipe.model in said
            assert choice.reason in said
        assert "%aim launch demo" in said
    assert "1 fit · 1 do not" in page.text


def test_a_long_list_of_one_model_is_cut_since_the_table_has_them_all() -> None:
    many = [fits.CPU_CHOICES[0]] * 9
    card = recipes_card(many, "Qwen/Qwen3-32B")
    assert card.text.count(f"{many[0].recipe.id}  {many[0].verdict}") == 5
    assert "and 4 recipes more" in card.text
    assert "and 4 recipes more" in card.html
    assert "more" not in recipes_card(many).text


def test_no_recipe_at_all() -> None:
    assert "None known." in recipes_card(()).text
    assert "None known." in Page(recipes_card((), "x").html).text
