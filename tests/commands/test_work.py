"""The verbs that work over servers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aim_jupyter.commands import work
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.work import runs
from tests.commands.test_handlers import given
from tests.render.runs import RUN


@pytest.mark.parametrize(
    ("line", "prompt", "schema"),
    [
        (
            'map df "Is it kind? {text}" --schema kind,unkind',
            "Is it kind? {text}",
            ["kind", "unkind"],
        ),
        ('map df "x" --schema Label', "x", int),
        ('map df "x"', "x", None),
    ],
)
def test_what_a_map_is_asked_for(line: str, prompt: str, schema: object) -> None:
    asked = work.mapping(given(line), {"Label": int})
    assert (asked["prompt"], asked["schema"], asked["sampling"]) == (prompt, schema, {})


def test_a_prompt_and_a_schema_may_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "prompt").write_text("Is it\n{text}?")
    (tmp_path / "s.json").write_text(json.dumps({"type": "object"}))
    asked = work.mapping(
        given(f"map df --prompt-file {tmp_path}/prompt --schema {tmp_path}/s.json"), {}
    )
    assert (asked["prompt"], asked["schema"]) == ("Is it\n{text}?", {"type": "object"})
    with pytest.raises(BadUsage, match="There is no prompt"):
        work.mapping(given("map df"), {})
    with pytest.raises(BadUsage, match="can't be read"):
        work.mapping(given('map df "x" --schema none.json'), {})


def test_runs_go_by_name_or_by_age(isolated: Path) -> None:
    old, young = runs.folder_for("aaaa", RUN), runs.folder_for("bbbb", RUN)
    os.utime(old.path / "run.json", (1e9, 1e9))
    with pytest.raises(BadUsage, match="No run is named"):
        work.evict_runs(given("runs evict"))
    assert work.evict_runs(given("runs evict --older-than 400d")) == ["m-aaaa is removed."]
    assert work.evict_runs(given("runs evict --older-than 400d")) == ["No run is so old."]
    assert work.evict_runs(given(f"runs evict {young.id}")) == ["m-bbbb is removed."]
    assert runs.folders() == []
