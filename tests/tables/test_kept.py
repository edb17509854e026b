"""Rows of what is kept of work over servers."""

from __future__ import annotations

from aim_jupyter.tables.kept import answer_row, level_row, sample_row, score_row
from aim_jupyter.work.records import Answer, Score
from tests.render.runs import BENCH, LIMITED


def test_a_row_that_was_not_asked_says_so() -> None:
    assert answer_row(3, None)["error"] == "not asked"
    assert answer_row(3, Answer(value="yes", ms=12.0))["raw"] == "yes"


def test_a_level_has_both_sides_and_what_they_make() -> None:
    row = level_row(BENCH, BENCH.levels[2])
    assert (row["at_once"], row["best"], row["within"]) == (16, True, None)
    assert (row["gen_tok_s"], row["per_gpu_tok_s"], row["engine_tok_s"]) == (1500.0, 750.0, 1500.0)
    assert row["energy_j_tok"] == 0.8
    assert row["kv_used_pct"] is None
    assert level_row(LIMITED, LIMITED.levels[2])["within"] is False


def test_a_score_and_a_sample_keep_all_digits() -> None:
    row = score_row(Score(task="own", metric="acc", score=0.123456, error=0.01, samples=20, of=99))
    assert (row["score"], row["stderr"]) == (0.123456, 0.01)
    assert (row["samples"], row["samples_of"]) == (20, 99)
    sample = {
        "task": "own",
        "sample": 4,
        "prompt": "?",
        "target": "a",
        "answer": "b",
        "filter": "none",
        "metrics": {"acc": 1, "f1": 0.5},
    }
    assert (sample_row(sample)["metric"], sample_row(sample)["score"]) == ("acc", 1.0)
    assert sample_row({**sample, "metrics": {}})["score"] is None
