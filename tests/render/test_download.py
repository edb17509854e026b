"""The card of a prefetch."""

from __future__ import annotations

import pytest

from aim_jupyter.core.records import Progress
from aim_jupyter.render import (
    download_card,
    download_line,
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
