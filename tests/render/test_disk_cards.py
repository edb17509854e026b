"""The cards of the cache's verbs: a download, totals, an eviction, what a model lacks."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import Eviction, Progress
from aim_jupyter.render import (
    download_card,
    download_line,
    eviction_card,
    startable_card,
    stats_card,
)
from tests.render import disk
from tests.render.pages import Page


def test_a_download_says_bytes_rate_time_left_and_what_is_on_its_way() -> None:
    card = download_card(disk.ARRIVING)
    told = "22.9 of 61.2 GiB · 37 % · 412 MiB/s · about 1 min 34 s left · 6 of 19 files"
    assert told in card.text
    page = Page(card.html)
    assert told in page.text
    (bar,) = page.having(role="progressbar")
    assert (bar["aria-valuenow"], bar["aria-valuetext"]) == ("37", f"Qwen/Qwen3-32B: {told}")
    # What has arrived is not listed, what has begun comes before what has not.
    rows = [row.text for row in page.named("tr")][1:]
    assert rows[0] == "model-00005-of-00017.safetensors3.1 of 3.6 GiB"
    assert len(rows) == 8
    assert "and 5 files more" in card.text


@pytest.mark.parametrize(
    ("rate", "said"), [(9.5 * (1 << 20), "9.5 MiB/s"), (2400.0 * (1 << 20), "2,400 MiB/s")]
)
def test_a_rate_has_as_many_digits_as_tell_something(rate: float, said: str) -> None:
    assert said in download_line(Progress(repo="x", done_bytes=1, total_bytes=2, rate=rate))


def test_a_download_that_has_not_begun_claims_nothing() -> None:
    card = download_card(disk.ASKING)
    assert "Asking the Hub which files there are." in card.text
    assert not Page(card.html).having(role="progressbar")


def test_stats_say_how_much_where_and_what_is_set_by_whom() -> None:
    card = stats_card(disk.STATS)
    for line in (
        "Kinds    3 configs under 0.1 MiB · 1 dataset 4.2 GiB · 9 models 1.21 TiB",
        "Kept     76.3 GiB in use · 61.0 GiB pinned",
        "Launches 31 of 34 found their model on disk (91 %)",
        "         /shared/models  1.03 TiB in 7 repositories · shared, only read",
        "Compiled vllm-0.32.0 0.1 GiB · torch_compile_cache 1.4 GiB",
    ):
        assert line in card.text.splitlines()
    rows = [row.text for row in Page(card.html).named("tr")]
    assert "AIM_SHARED_CACHE_DIR/shared/modelsenvironment" in rows


def test_stats_do_not_count_what_nobody_knows() -> None:
    card = stats_card(replace(disk.NO_STATS, hits=None))
    assert "Launches not known: cache_index.json can't be read" in card.text
    assert "Launches none yet" in stats_card(disk.NO_STATS).text
    assert "nothing in it" in stats_card(disk.NO_STATS).text


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (disk.PLANNED, "Nothing has been removed yet: 2 repositories would go, and free 146.7 GiB"),
        (disk.EVICTED, "1 repository evicted, 15.3 GiB freed."),
        (disk.KEPT, "Nothing goes: the table says for each what keeps it."),
        ((), "There is nothing on disk that could go."),
    ],
)
def test_an_eviction_says_whether_anything_has_gone(
    planned: tuple[Eviction, ...], said: str
) -> None:
    card = eviction_card(planned)
    assert said in card.text
    assert said in Page(card.html).text
    assert ("--yes" in card.text) == (planned is disk.PLANNED)


def test_why_names_what_is_missing_and_the_line_that_mends_it() -> None:
    text = startable_card(disk.CAN_NOT_START).text
    assert "It can't start without network." in text
    assert "model-00014-of-00030.safetensors and 16 files more" in text
    assert "Damaged: model-00001-of-00030.safetensors." in text
    assert text.endswith("%aim cache prefetch meta-llama/Llama-3.3-70B-Instruct")
    good = startable_card(disk.CAN_START).text
    assert "Its weights are those of Qwen/Qwen3-32B-FP8." in good
    assert "prefetch" not in good
    assert "Nothing of it is on disk." in startable_card(disk.IS_ABSENT).text
