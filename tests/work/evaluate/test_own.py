"""A task out of a table."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.work.evaluate.own import OwnTask

ROWS = [{"text": "good", "label": "yes"}, {"text": "bad", "label": "no"}]


def test_choices_are_compared_by_their_likelihood(tmp_path: Path) -> None:
    task = OwnTask(ROWS, "{text}?", "label", ["yes", "no"])
    task.write(tmp_path)
    written = json.loads((tmp_path / "own.yaml").read_text())
    assert written["output_type"] == "multiple_choice"
    assert written["doc_to_choice"] == ["yes", "no"]
    assert written["dataset_kwargs"]["data_files"]["test"] == str(tmp_path / "own.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "own.jsonl").read_text().splitlines()]
    assert rows == [{"question": "good?", "answer": 0}, {"question": "bad?", "answer": 1}]


def test_without_choices_the_answer_is_written(tmp_path: Path) -> None:
    OwnTask(pd.DataFrame(ROWS), "{text}?", "label").write(tmp_path)
    written = json.loads((tmp_path / "own.yaml").read_text())
    assert written["output_type"] == "generate_until"
    assert written["generation_kwargs"]["temperature"] == 0.0
    assert json.loads((tmp_path / "own.jsonl").read_text().splitlines()[1]) == {
        "question": "bad?",
        "answer": "no",
    }


def test_other_rows_are_another_task() -> None:
    first = OwnTask(ROWS, "{text}?", "label").about
    assert first == OwnTask(list(ROWS), "{text}?", "label").about
    assert first != OwnTask(ROWS[:1], "{text}?", "label").about
    assert first != OwnTask(ROWS, "{text}!", "label").about
    assert first != OwnTask(ROWS, "{text}?", "label", ["yes", "no"]).about


def test_what_is_wrong_with_a_table_is_said() -> None:
    with pytest.raises(UnknownName, match="column 'lable'"):
        OwnTask(ROWS, "{text}?", "lable")
    with pytest.raises(UnknownName, match="column 'txt'"):
        OwnTask(ROWS, "{txt}?", "label")
    with pytest.raises(BadUsage, match="'no' is right in a row, and none of yes, maybe"):
        OwnTask(ROWS, "{text}?", "label", ["yes", "maybe"])
    with pytest.raises(BadUsage, match="no rows"):
        OwnTask(pd.DataFrame({"text": [], "label": []}), "{text}?", "label")
