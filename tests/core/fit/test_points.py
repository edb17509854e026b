"""Every measured start that we have, against the prediction."""

from __future__ import annotations

import statistics
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def points(benchmark: ModuleType) -> list[Any]:
    found = benchmark.read_points()
    assert len(found) > 70
    return list(found)


def test_tokens_follow_from_the_measured_memory(benchmark: ModuleType, points: list[Any]) -> None:
    errors: dict[str, list[float]] = {}
    for point in points:
        if (error := benchmark.kv_error(point)) is not None:
            errors.setdefault(benchmark.kind(point), []).append(abs(error))
    assert set(errors) == {"dense", "MLA", "sliding", "hybrid"}
    for kind, found in errors.items():
        assert statistics.fmean(found) <= 0.15, kind  # per cent
    assert sum(map(len, errors.values())) >= 60


def test_weights_follow_from_the_config(benchmark: ModuleType, points: list[Any]) -> None:
    errors = [e for point in points if (e := benchmark.weights_error(point)) is not None]
    assert statistics.fmean(map(abs, errors)) <= 1  # per cent
    assert len(errors) >= 70


def test_the_measured_memory_is_inside_the_band(benchmark: ModuleType, points: list[Any]) -> None:
    found = [(point, room) for point in points if (room := benchmark.band(point)) is not None]
    inside = [room[0] <= point.available <= room[1] for point, room in found]
    assert len(inside) >= 60
    assert statistics.fmean(inside) >= 0.9
    assert statistics.median(room[1] - room[0] for _, room in found) < 1  # GiB


def test_no_verdict_was_wrong(benchmark: ModuleType, points: list[Any]) -> None:
    verdicts = [(point, benchmark.predicted(point)) for point in points]
    assert [point.label for point, said in verdicts if point.failed and said == "FITS"] == []
    assert [point.label for point, said in verdicts if not point.failed and said == "NO"] == []
    assert sum(point.failed for point in points) >= 4
    assert sum(said == "FITS" for _, said in verdicts) >= 55


def test_a_model_left_out_is_predicted_as_well(benchmark: ModuleType, points: list[Any]) -> None:
    (said,) = [line for line in benchmark._left_out(points) if line.startswith("each model")]
    mean = float(said.rpartition("error ")[2].split()[0])
    assert mean < 0.15  # GiB


def test_the_starts_that_the_facts_state_are_inside_the_band(benchmark: ModuleType) -> None:
    found = list(benchmark.stated())
    assert [line for line, inside in found if not inside] == []
    assert len(found) >= 18
