"""Tables of cards."""

from __future__ import annotations

import pytest

from aim_jupyter.render import grid, html
from tests.render.pages import Page


def test_names_are_headers_of_their_rows() -> None:
    page = Page(grid.rows([("Key", "in the client"), ("Log", "<b>")]))
    assert [each.text for each in page.named("th")] == ["Key", "Log"]
    assert [each.text for each in page.named("td")] == ["in the client", "<b>"]


def test_a_list_has_real_headers_and_a_ground_for_what_is_chosen() -> None:
    drawn = grid.table((("model", ""), ("size", "text-align:right")), [["a", "1"], ["b", "2"]], 1)
    page = Page(drawn)
    assert [each.text for each in page.named("th")] == ["model", "size"]
    assert [each.text for each in page.named("td")] == ["a", "1", "b", "2"]
    assert drawn.count(html.mixed(html.BRAND, 10)) == 1
    none = grid.table((("model", ""),), [["a"]])
    assert html.mixed(html.BRAND, 10) not in none


def test_a_row_of_another_length_is_a_defect() -> None:
    with pytest.raises(ValueError, match="zip"):
        grid.table((("model", ""), ("size", "")), [["a"]])
