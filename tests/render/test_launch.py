"""One card from start to end: what it says in each state."""

from __future__ import annotations

from aim_jupyter.render import launch_card
from tests.render import samples
from tests.render.pages import Page


def test_the_foot_has_the_last_line_of_the_log_and_how_to_stop() -> None:
    page = Page(launch_card(samples.STARTING, log_tail=samples.LOG_TAIL).html)
    summary = page.named("summary")[0].text
    assert summary.startswith("Log, 214 lines Loading safetensors checkpoint shards: 71%")
    assert "Stop it with %aim stop qwen3-32b" in page.text
    assert samples.LOG_TAIL[1] in page.named("details")[0].text
