"""The card of a bench."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.render import bench_card
from tests.render.runs import BENCH, LIMITED


def test_a_card_has_the_levels_the_knee_and_a_curve() -> None:
    card = bench_card(BENCH)
    assert "480 tokens in, 256 out" in card.text
    assert "Knee: 16 at once, 1,500 tok/s. Past it, waiting grows faster" in card.text
    knee = next(line for line in card.text.splitlines() if line.endswith("knee"))
    assert knee.split()[:3] == ["16", "1,500", "750"]
    assert "0.80" in knee, "watts over tokens a second"
    assert card.html.count("<circle") == 5 + 1, "a dot a level, a ring, and the tick of the knee"
    assert "Sent by vllm bench serve" in card.text


def test_what_is_wanted_is_named_and_what_exceeds_it_by_how_much() -> None:
    card = bench_card(LIMITED)
    assert "Best with TTFT p95 under 200 ms: 8 at once" in card.text
    assert "TTFT over by 40.0 ms" in card.text
    assert "wanted: 200" in card.html
    nothing = bench_card(replace(LIMITED, best=None))
    assert "No level keeps TTFT p95 under 200 ms." in nothing.text


def test_what_makes_figures_doubtful_is_said() -> None:
    doubtful = replace(
        BENCH.levels[0], engine={"prefix_hit_pct": 96.0, "others": 3.0, "preempted": 1.0}
    )
    text = bench_card(replace(BENCH, levels=(doubtful,), best=4)).text
    assert "Up to 96 % of the prompts' tokens were found in the prefix cache." in text
    assert "3 requests of others came in between" in text
    assert "The engine put off 1 request." in text


def test_nothing_measured_yet_is_no_curve() -> None:
    card = bench_card(replace(BENCH, levels=(), best=None))
    assert "Nothing was answered." in card.text
    assert "polyline" not in card.html
