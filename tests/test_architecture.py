"""The page of how it is built says what import-linter holds, and names what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text()


def drawing() -> str:
    """Return the layers as the page has them, the highest first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["type"] == "layers"]
    return "\n".join(["```text", *(one.replace("aim_jupyter.", "") for one in layers), "```"])


def test_the_drawing_is_what_import_linter_holds() -> None:
    found = re.search(r"<!-- layers: .*?-->\n(.*?)\n<!-- layers end -->", PAGE, re.DOTALL)
    assert found is not None
    assert found[1] == drawing(), f"put this into docs/architecture.md:\n{drawing()}"


def test_the_walk_names_what_is_there() -> None:
    named = re.findall(r"`(aim_jupyter/[\w/]+(?:\.py)?)/?`", PAGE)
    assert len(named) > 8
    assert [name for name in named if not (ROOT / name).exists()] == []
