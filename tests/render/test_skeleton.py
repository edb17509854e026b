"""What a panel shows first."""

from __future__ import annotations

from aim_jupyter.render import skeleton
from tests.render.pages import Page


def test_a_screen_reader_is_told_a_sentence_and_not_of_bars() -> None:
    page = Page(skeleton.launch())
    assert page.text == "Looking at GPUs, recipes and the engine"
    assert 'role="status"' in skeleton.launch()
    assert skeleton.launch().count('aria-hidden="true"') == 1


def test_its_parts_are_escaped() -> None:
    assert "&lt;b&gt;" in skeleton.piece("<b>")
    assert Page(skeleton.mark()).text == "aim"
