"""What holds for every card in every state."""

from __future__ import annotations

import re

import pytest

from aim_jupyter.render import Card
from tests.render.gallery import cards
from tests.render.pages import FORBIDDEN, KNOWN, Page

ALL = [pytest.param(card, id=name) for name, card in cards()]
# The roles that the design allows, each a variable of JupyterLab's theme.
VARIABLE = re.compile(r"var\((--jp-[a-z0-9-]+)(, [^()]+(?:\([^()]*\))?)?\)")
NESTED = re.compile(r"var\(--vscode-[\w-]+, ([^()]+)\)")

every = pytest.mark.parametrize("card", ALL)


@every
def test_html_is_whole_and_needs_nothing_but_itself(card: Card) -> None:
    page = Page(card.html)
    assert {element.name for element in page.elements}.isdisjoint(FORBIDDEN)
    for element in page.elements:
        names = set(element.attributes)
        assert names.isdisjoint({"class", "id", "href", "src", "srcset"})
        assert not any(name.startswith("on") for name in names)
        assert "url(" not in element["style"]


@every
def test_each_theme_variable_has_a_fallback(card: Card) -> None:
    for element in Page(card.html).elements:
        for value in element.attributes.values():
            # A variable of VS Code stands behind JupyterLab's, and has a last resort itself.
            plain = NESTED.sub(r"\1", value or "")
            found = VARIABLE.findall(plain)
            assert len(found) == plain.count("var(")
            assert all(fallback for _, fallback in found), value


@every
def test_text_secondary_or_not_never_takes_the_faint_colour(card: Card) -> None:
    assert "font-color3" not in card.html


@every
def test_bars_have_a_label_and_glyphs_are_silent(card: Card) -> None:
    page = Page(card.html)
    for bar in page.having(role="img"):
        assert bar["aria-label"]
    for bar in page.having(role="progressbar"):
        assert bar["aria-valuetext"]
        assert 0 <= int(bar["aria-valuenow"]) <= 100
    for drawing in page.named("svg"):
        assert drawing["aria-hidden"] == "true"
        assert not drawing.text, "a drawing must not be the only one to say something"


@every
def test_tables_have_real_headers(card: Card) -> None:
    page = Page(card.html)
    for header in page.named("th"):
        assert header["scope"] in ("row", "col")
    assert len(page.named("th")) >= len(page.named("table"))


@every
def test_commands_are_selected_by_one_click(card: Card) -> None:
    page = Page(card.html)
    for element in [*page.named("code"), *page.named("pre")]:
        if element.text.startswith(("%aim", "client =", "server =")):
            assert "user-select:all" in element["style"], element.text


@every
def test_an_untrusted_notebook_still_tells_every_command_and_figure(card: Card) -> None:
    """Styles and SVG are gone there; what the text card says must be in the words."""
    told = Page(card.html).text
    for figure in re.findall(r"\d[\d,.]* (?:GiB|TiB|MiB|%|tok/s|ms|min \d\d s)", card.text):
        assert figure.split(" ")[0] in told, figure
    for line in re.findall(r"%aim (?!logs)\w+", card.text):
        assert line in told, line


@every
def test_text_has_no_codes_and_the_terminal_only_bold_and_colours(card: Card) -> None:
    assert "\x1b" not in card.text
    assert set(re.findall(r"\x1b\[[^m]*m", card.terminal)) <= {
        f"\x1b[{code}m" for code in (0, 1, 2, 32, 33, 94)
    }
    assert len(re.findall(r"\x1b\[[^0]\d?m", card.terminal)) == card.terminal.count("\x1b[0m")
    assert all(line == line.rstrip() for line in card.text.splitlines())


@every
def test_the_copy_rules(card: Card) -> None:
    for said in (card.text, Page(card.html).text):
        assert "!" not in re.sub(r"`[^`]*`", "", said)
        assert not re.search(r"\b(please|successfully|oops|GB)\b", said, re.IGNORECASE)
        assert not re.search(r"\d(GiB|ms|tok/s)\b", said), "a blank stands before the unit"
        assert "None," not in said
        assert "nan" not in said.split()


@every
def test_drawings_are_only_glyphs_and_lines(card: Card) -> None:
    assert {element.name for element in Page(card.html).elements} <= KNOWN
