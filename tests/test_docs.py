"""What the documents say is true: verbs, variables, code and commands."""

from __future__ import annotations

import gc
import re
import warnings
from pathlib import Path

import pytest

import aim_jupyter as aim
from aim_jupyter.commands.parsing import MAGIC, PROGRAM
from aim_jupyter.commands.table import COMMANDS
from aim_jupyter.core import config
from tests.conftest import FakeEngine

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def verb_table() -> str:
    """Return the table of verbs as the README has it."""
    rows = [
        f"| `{PROGRAM if command.terminal else MAGIC} {command.name}` | {command.help} |"
        for command in COMMANDS
    ]
    rows[0] = rows[0].replace("%aim `", "%aim`")
    return "\n".join(["| verb | what it does |", "| --- | --- |", *rows])


def test_the_readme_has_every_verb() -> None:
    found = re.search(r"<!-- verbs.*?-->\n(.*?)\n<!-- verbs end -->", README, re.DOTALL)
    assert found is not None
    assert found[1] == verb_table(), f"put this into the README:\n{verb_table()}"


def test_the_make_targets_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for document in (README, (ROOT / "CONTRIBUTING.md").read_text()):
        for target in re.findall(r"^    make (\w+)|`make (\w+)`", document, re.MULTILINE):
            assert re.search(rf"^{''.join(target)}:", makefile, re.MULTILINE), target


def test_links_lead_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_engine_in_the_documents_is_the_one_that_is_tested() -> None:
    text = (ROOT / "docs/engines.md").read_text()
    shown = re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)```$", text, re.DOTALL | re.MULTILINE)
    folder = ROOT / "tests/outside_engine"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.*") if path.is_file()}
    wanted = {name for name in files if name.endswith((".toml", ".py"))} - {"echo_server.py"}
    assert {name for name, _ in shown} == wanted
    for name, code in shown:
        assert code == (folder / name).read_text(), name


def test_every_variable_is_documented() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    for variable in re.findall(r"^(AIM_\w+)", config.__doc__ or "", re.MULTILINE):
        assert f"`{variable}`" in text, variable


@pytest.mark.parametrize(
    "code", re.findall(r"```python\n(import aim_jupyter.*?)```", README, re.DOTALL)
)
def test_python_in_the_readme_runs(fake: FakeEngine, code: str) -> None:
    fake()
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        # Nobody closes the client of an example: its connections go with it, in any order.
        warnings.simplefilter("ignore", ResourceWarning)
        exec(code, names)
        gc.collect()
    server = names["server"]
    assert isinstance(server, aim.Server)
    assert server.state == "stopped"


def test_the_tests_that_show_what_holds_are_there() -> None:
    text = (ROOT / "docs/security.md").read_text()
    named = set(re.findall(r"`([\w/]*test_\w+\.py)`", text))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []
