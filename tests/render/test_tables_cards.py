# ruff: noqa: RUF001 - the dashes and signs that users see
"""The cards of top, recipes, engines, cache, doctor, and the line below a reply."""

from __future__ import annotations

import msgspec

from aim_jupyter.core.records import CacheTotals, Machine, Sample
from aim_jupyter.render import (
    cache_card,
    checks_card,
    engines_card,
    fitbar,
    recipes_card,
    reply_footer,
    top_card,
)
from tests.render import fits, lists, samples
from tests.render.pages import Page

replace = msgspec.structs.replace


def test_top_has_a_row_for_each_server_and_each_visible_gpu() -> None:
    page = Page(top_card(**lists.TOP).html)
    rows = [" ".join(row.text.split()) for row in page.named("tr")]
    assert len(rows) == 1 + 3 + 1 + 7
    assert rows[1] == "qwen3-32brunning41,8424120444812 / 0active"
    assert rows[3].endswith("52 min left")
    assert "top gpu-07 · every 2 s, sparklines show 2 min" in page.text
    assert "updates for 10 min, kernel is free · end: %aim top --off" in page.text
    assert len(page.named("svg")) == 3 + 3 + 3 + 2, "glyphs, and a line for each known past"


def test_top_as_text_uses_the_names_of_the_columns() -> None:
    lines = top_card(**lists.TOP).text.splitlines()
    assert lines[0] == "aim top  gpu-07 · 8 x MI300X, 192.0 GiB each · every 2 s · 14:46:32"
    assert lines[2].split() == [
        *("server", "state", "gpus", "gen_tok_s", "kv_used_pct", "ttft_p50_ms", "ttft_p95_ms"),
        *("req_running", "req_waiting", "idle_left_s"),
    ]
    assert lines[3].split()[:4] == ["qwen3-32b", "running", "4", "1842"]
    assert lines[5].split()[-5:] == ["–", "–", "0", "0", "3120"]
    assert lines[8].endswith("176.9        38      402      54  you · qwen3-8b")
    assert lines[11].endswith("chen · pid 48213, no lease")
    assert lines[-1].endswith("unexplained: no visible process")


def test_top_without_servers_gpus_or_past() -> None:
    card = top_card((), samples.LAPTOP, {}, at=0.0)
    assert "No server runs." in card.text
    assert "vram_used_gib" not in card.text
    assert not Page(card.html).named("table")
    one = top_card((samples.STARTING,), samples.LAPTOP, {}, at=0.0)
    assert "about 1 min 25 s left" in Page(one.html).text


def test_top_leaves_unknown_figures_open() -> None:
    view = replace(samples.RUNNING_8B, sample=None)
    card = top_card((view,), Machine(host="x"), {"qwen3-8b": [Sample(at=0.0)]}, at=0.0)
    assert "– / –" in Page(card.html).text
    assert card.text.splitlines()[3].split() == ["qwen3-8b", "running", "0", *"–" * 7]


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


def test_engines_tell_why_one_can_not_be_used_and_where_each_is() -> None:
    card = engines_card(lists.ENGINES)
    for said in (card.text, Page(card.html).text):
        assert "2 of 4 usable" in said
        assert "vLLM 0.9.2 is older than 0.18" in said
        assert "named by AIM_ENGINE_PYTHON" in said
        for environment in lists.ENGINES:
            assert environment.python in said


def test_no_engine_shows_the_command_that_installs_one() -> None:
    assert engines_card(()).text.endswith("%aim engine install cpu")


def test_cache_says_what_is_incomplete() -> None:
    card = cache_card(lists.CACHED, samples.STATUS.cache)
    for said in (card.text, Page(card.html).text):
        assert "88.4 of 131.4 GiB" in said
        assert "4 of 30 files are missing" in said
        assert "3.1 MiB" in said
        assert "1.24 TiB in 9 models · 1 incomplete · 2.61 TiB free on disk" in said
    labels = [bar["aria-label"] for bar in Page(card.html).having(role="img")]
    assert "meta-llama/Llama-3.3-70B-Instruct: 88.4 of 131.4 GiB, incomplete" in labels


def test_an_empty_cache_is_not_an_error() -> None:
    totals = CacheTotals(models=0, incomplete=0, size_bytes=0, free_bytes=samples.gib(10))
    card = cache_card((), totals)
    assert "no model yet · 10.0 GiB free on disk" in card.text
    assert "A launch downloads what it needs." in Page(card.html).text


def test_doctor_says_what_mends_it() -> None:
    card = checks_card(lists.CHECKS)
    for said in (card.text, Page(card.html).text):
        assert "2 good · 2 to mend" in said
        assert "sudo usermod -aG render alice" in said
        assert "%aim stop demo" in said
    assert card.text.count("to mend") == 3
    assert "0 good · 0 to mend" in checks_card(()).text


def test_reply_footer() -> None:
    assert reply_footer(42, 0.212, 411.6).text == "42 tokens · first after 212 ms · 412 tok/s"
    assert reply_footer(None, None, None).text == "– tokens · first after – · –"
    assert reply_footer(1, 0.2, 5, "length").text.endswith("cut at the token limit")
    assert "42 tokens" in Page(reply_footer(42, 0.2, 1.0).html).text
