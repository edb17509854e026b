# ruff: noqa: RUF001 - the dashes that users see
"""The line below a reply."""

from aim_jupyter.render.chat import reply_footer
from tests.render.pages import Page


def test_its_figures_and_what_is_not_known() -> None:
    assert reply_footer(12, 0.25, 48.0).text == "12 tokens · first after 250 ms · 48 tok/s"
    text = reply_footer(None, None, None).text
    assert text.startswith("\u2013 tokens · first after \u2013")


def test_a_reply_that_was_cut_says_so() -> None:
    assert reply_footer(1, 0.1, 1.0, "length").text.endswith("cut at the token limit")
    assert "cut" not in reply_footer(1, 0.1, 1.0, "stop").text


def test_reply_footer() -> None:
    assert reply_footer(42, 0.212, 411.6).text == "42 tokens · first after 212 ms · 412 tok/s"
    assert reply_footer(None, None, None).text == "– tokens · first after – · –"
    assert reply_footer(1, 0.2, 5, "length").text.endswith("cut at the token limit")
    assert "42 tokens" in Page(reply_footer(42, 0.2, 1.0).html).text
