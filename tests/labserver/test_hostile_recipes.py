"""A colleague's recipe file through the REST: what only a user may ask for is refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.core.recipes import hostile
from tests.labserver.jupyter import Jupyter

_KEYS = list(hostile.keys())
_OPTIONS = list(filter(hostile.is_key, hostile.generated("vllm")))
SOME = (*hostile.KNOWN, *_KEYS[:: len(_KEYS) // 40], *_OPTIONS[:: len(_OPTIONS) // 160])


@pytest.fixture(autouse=True)
def folder(site: Path) -> Iterator[Path]:
    """Return the folder of recipes, with all of them."""
    recipes = site / "recipes"
    for number, each in enumerate(SOME):
        hostile.write(recipes, replace(each, engine="vllm"), f"hostile{number}")
    yield recipes
    shutil.rmtree(recipes)


def test_plan_and_launch_refuse_each(jupyter: Jupyter) -> None:
    assert len(SOME) > 200
    for number, each in enumerate(SOME):
        for route in ("plan", "servers"):
            told = jupyter.post(route, {"model": f"hostile{number}"}, 400)
            assert each.name in told["found"], (each, told)
            assert "which only a user may" in told["found"]
    assert jupyter.get("status")["servers"] == []
