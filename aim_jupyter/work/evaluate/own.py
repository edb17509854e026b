"""A task out of a table: what the harness reads, made of columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.work.map import tables
from aim_jupyter.work.map.prompts import Template, Unaskable
from aim_jupyter.work.records import digest

#: Its name among those of the harness.
NAME = "own"
#: Tokens of a written answer at most.
_LONGEST = 64


class OwnTask:
    """Questions of one's own, with the answers that are right.

    Parameters
    ----------
    given
        A pandas, polars or pyarrow table, a list of dicts, or the path of a CSV, JSON lines or
        parquet file.
    prompt : str
        A template of its columns.
    answer : str
        The column with the right answers.
    choices : sequence of str
        What is chosen from: then the likeliest of these counts, else what the model writes.

    Raises
    ------
    BadUsage, UnknownName
        If there is no such column, or a right answer is none of the choices.
    """

    def __init__(self, given: Any, prompt: str, answer: str, choices: Sequence[str] = ()) -> None:
        table = tables.table(given)
        if answer not in table.columns:
            raise UnknownName("column", answer, table.columns)
        template = Template(prompt, table.columns)
        self._choices = list(choices)
        try:
            self._rows = [self._row(template, row, answer) for row in table.rows()]
        except Unaskable as error:
            raise BadUsage(f"A row can't be asked: {error}.", "leave it out") from error
        if not self._rows:
            raise BadUsage("The table has no rows.", "give one that has")

    def _row(self, template: Template, row: dict[str, Any], answer: str) -> dict[str, Any]:
        question, right = template.of(row), str(row[answer])
        if not self._choices:
            return {"question": question, "answer": right}
        if right not in self._choices:
            found = f"{right!r} is right in a row, and none of {', '.join(self._choices)}."
            raise BadUsage(found, "name all choices")
        return {"question": question, "answer": self._choices.index(right)}

    @property
    def about(self) -> dict[str, Any]:
        """What decides whether it is the same task."""
        return {"choices": self._choices, "rows": digest(self._rows), "count": len(self._rows)}

    def write(self, folder: Path) -> None:
        """Write the rows and the task file where the harness looks for them."""
        rows = folder / "own.jsonl"
        rows.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in self._rows))
        # YAML takes JSON.
        (folder / f"{NAME}.yaml").write_bytes(msgspec.json.encode(self._task(rows)))

    def _task(self, rows: Path) -> dict[str, Any]:
        task: dict[str, Any] = {
            "task": NAME,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(rows)}},
            "test_split": "test",
            "doc_to_text": "{{question}}",
            "metadata": {"version": 1.0},
        }
        if self._choices:
            return task | {
                "output_type": "multiple_choice",
                "doc_to_choice": self._choices,
                "doc_to_target": "answer",
                "metric_list": [_metric("acc")],
            }
        return task | {
            "output_type": "generate_until",
            "doc_to_target": "{{answer}}",
            "generation_kwargs": {
                "until": ["\n\n"],
                "do_sample": False,
                "temperature": 0.0,
                "max_gen_toks": _LONGEST,
            },
            "metric_list": [
                _metric("exact_match") | {"ignore_case": True, "ignore_punctuation": True}
            ],
        }


def _metric(name: str) -> dict[str, Any]:
    return {"metric": name, "aggregation": "mean", "higher_is_better": True}
