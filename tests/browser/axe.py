"""Asks axe-core, in the page itself, what a part of it denies to who can't see or point."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

#: Comes with what the sidebar is built from.
SCRIPT = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"
#: By WCAG 2.2 AA, and what axe's makers advise beside. Where there is a whole page, as in none of
#: ours, are landmarks and headings of its own.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_OF_A_PAGE = ("region", "heading-order", "page-has-heading-one", "landmark-one-main")


def findings(page: Page, part: str) -> list[str]:
    """Return what is wrong in the part that a selector names, a line each."""
    assert SCRIPT.is_file(), "make labextension"
    page.evaluate(SCRIPT.read_text())
    found = page.evaluate(
        """async ([part, rules, left]) => (await axe.run(part, {
            runOnly: { type: 'tag', values: rules },
            rules: Object.fromEntries(left.map(name => [name, { enabled: false }])),
            resultTypes: ['violations']
        })).violations.flatMap(one => one.nodes.map(node =>
            `${one.id}: ${node.target.join(' ')}: ${node.failureSummary}`))""",
        [part, _RULES, list(_OF_A_PAGE)],
    )
    return [str(one) for one in found]
