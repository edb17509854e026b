"""The reference of the documentation has all that the code has."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import aim_jupyter as aim
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core import adapters
from aim_jupyter.core.request.record import OPTIONS
from aim_jupyter.core.serving.crash import failures
from aim_jupyter.labserver.handlers import ROUTES
from aim_jupyter.tables.columns import COLUMNS

SITE = Path(__file__).parents[1] / "docs/site"
PAGES = {name: page() for name, page in runpy.run_path(str(SITE / "reference.py"))["PAGES"].items()}


def sections(page: str) -> dict[str, str]:
    """Return the text below each heading of a page; one that stands twice is refused."""
    parts = re.split(r"^## (.+)$", PAGES[page], flags=re.MULTILINE)[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    assert len(found) == len(parts) / 2
    return found


def cells(text: str) -> set[str]:
    """Return what stands in the cells of the tables, without the marks of Markdown."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return {cell.replace("\\", "").strip() for row in rows for cell in row.split(" | ")} | {
        row.split(" | ")[0].removeprefix("| ").replace("\\", "") for row in rows
    }


def test_every_verb_has_its_entry_and_no_other_has() -> None:
    assert list(sections("verbs")) == [one.name or "(no verb)" for one in COMMANDS]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_every_option_of_a_verb_is_there(command: Command) -> None:
    text = sections("verbs")[command.name or "(no verb)"]
    assert f"aim-engine {command.name}".rstrip() in text.splitlines()
    for one in command.arguments:
        # A word without a name is shown by what may stand for it.
        stands = one.options.get("metavar") or "{" + ",".join(one.options.get("choices", ())) + "}"
        for name in one.names:
            shown = name if name.startswith("-") or stands == "{}" else stands
            assert re.search(rf"^  .*{re.escape(shown)}(?![\w-])", text, re.MULTILINE), name


def test_a_verb_that_is_in_python_says_so() -> None:
    found = sections("verbs")
    both = {name for name in found if name.replace(" ", "_") in aim.__all__}
    assert {"launch", "cache pin", "map"} <= both
    for name, text in found.items():
        assert (f"\naim_jupyter.{name.replace(' ', '_')}(" in text) is (name in both), name


def test_every_column_is_there() -> None:
    found = sections("columns")
    assert list(found) == list(COLUMNS)
    for verb, names in COLUMNS.items():
        assert set(names) <= cells(found[verb]), verb


def test_every_route_is_there() -> None:
    shown = [cell.removeprefix("aim/") for cell in cells(PAGES["rest"]) if cell.startswith("aim/")]
    for route, _ in ROUTES:
        assert any(re.fullmatch(route, path) for path in shown), route


def test_every_public_name_is_explained() -> None:
    found = sections("python")
    assert set(found) == set(aim.__all__)
    # A signature and a sentence, between fences.
    assert [name for name, text in found.items() if len(text.split()) < 6] == []


def test_every_variable_of_an_option_is_there() -> None:
    wanted = {one.variable for one in OPTIONS if one.variable}
    assert len(wanted) > 5
    assert wanted <= cells(PAGES["variables"])


def test_every_failure_rule_is_there() -> None:
    rules = [*failures.rules(""), *(rule for one in adapters.known() for rule in one.failures)]
    assert PAGES["failures"].count("\nsays: ") == len(rules)
    for rule in rules:
        assert f"finds: {rule.match}" in PAGES["failures"]


def test_every_page_by_hand_is_in_the_index() -> None:
    listed = (SITE / "index.md").read_text().splitlines()
    pages = {page.stem for page in SITE.parent.glob("*.md")}
    assert pages | {f"reference/{name}" for name in PAGES} <= set(listed)
