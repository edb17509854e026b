"""The samples of an evaluation."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.work.evaluate.samples import FILE, samples
from aim_jupyter.work.runs import RunFolder


def test_samples_are_read_line_by_line_and_none_is_none(tmp_path: Path) -> None:
    assert samples(RunFolder(tmp_path)) == []
    (tmp_path / FILE).write_text('{"task":"own","sample":0}\n{"task":"own","sample":1}\n')
    assert [one["sample"] for one in samples(RunFolder(tmp_path))] == [0, 1]
