"""An order says where its job's own words go; what a place must do is tried on the stand-in."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core.places.place import Order


def test_the_words_of_a_job_lie_in_its_folder(tmp_path: Path) -> None:
    assert Order(name="x", command=("true",), folder=tmp_path).log == tmp_path / "job.log"
