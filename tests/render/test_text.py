# ruff: noqa: RUF001 - the dashes and signs that users see
"""Tables, bars and alignment in plain text."""

from __future__ import annotations

from aim_jupyter.render import text
from aim_jupyter.tables import columns
from tests.render.samples import GPUS


def test_table_aligns_numbers_to_the_right_and_shows_a_dash_for_missing() -> None:
    rows: list[dict[str, object]] = [
        {"server": "qwen3-32b", "gen_tok_s": 1842, "usable": True},
        {"server": "demo", "gen_tok_s": None, "usable": False},
    ]
    assert text.table(rows).splitlines() == [
        "server     gen_tok_s  usable",
        "qwen3-32b       1842  yes",
        "demo               –  no",
    ]


def test_no_rows_no_table() -> None:
    assert text.table([]) == ""


def test_the_gpu_table_has_every_column_and_row() -> None:
    lines = text.table([columns.gpu_row(gpu) for gpu in GPUS]).splitlines()
    assert lines[0].split() == list(columns.COLUMNS["gpus"])
    assert len(lines) == 9
    assert lines[1].split()[:7] == ["0", "0000:0c:00.0", "MI300X", "busy", "192.0", "176.9", "15.1"]
    assert lines[8].split()[0] == "–"


def test_bold_does_not_count_for_alignment() -> None:
    lines = text.columns([[text.bold("a"), "1"], ["long", "22"]], [False, True])
    assert [text.plain(line) for line in lines] == ["a      1", "long  22"]


def test_bars() -> None:
    assert text.bar(GPUS[0]) == "■■■■■■■■■□"
    assert text.bar(GPUS[3]) == "■■■□□□□□□□"
    assert text.bar(GPUS[6]) == "▨▨□□□□□□□□"
    assert text.bar(GPUS[7]) == ""
    assert text.progress(0.5, 4) == "■■□□"
    assert text.progress(7.0, 4) == "■■■■"


def test_spark_shows_all_values_and_leaves_gaps() -> None:
    assert text.spark([0.0, 1.0, None, 2.0], 4) == "▁▅ █"
    assert text.spark([4.0, 4.0, 1.0, 3.0, None, None], 3) == "█▅ "
    assert text.spark([50.0], 3, top=100.0) == "▅"
    assert text.spark([], 3) == ""
    assert text.spark([0.0, 0.0], 3) == "▁▁"


def test_a_table_leaves_its_last_columns_out_where_they_do_not_fit_and_says_so() -> None:
    rows = [dict.fromkeys(("server", "state", "model", "gpus", "a_note"), "x" * 12)]
    for width in (30, 60, 80):
        lines = text.table(rows, width).splitlines()
        assert max(map(len, lines)) <= max(width, 46)
    assert text.table(rows, 30).splitlines()[-1] == "3 columns more: model, gpus, a_note"
    assert "more" not in text.table(rows, 80)
    assert text.table(rows) == text.table(rows, 80)
