# ruff: noqa: RUF001 - the dashes that users see
"""What every server and GPU does right now."""

from __future__ import annotations

import msgspec

from aim_jupyter.core.records import Machine, Sample
from aim_jupyter.render import (
    top_card,
)
from tests.render import lists, samples
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


def test_top_fits_a_terminal_of_eighty_columns() -> None:
    for width in (80, 100, 120):
        lines = top_card(**lists.TOP, width=width).text.splitlines()
        assert max(map(len, lines[1:])) <= width
    assert "ttft_p50_ms" in top_card(**lists.TOP, width=80).text
    assert "temp_c" not in top_card(**lists.TOP, width=80).text
