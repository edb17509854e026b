"""Which rules a release follows, and what a version may mean."""

from __future__ import annotations

import pytest

from aim_jupyter.core.fit.memory.versions import (
    NEWEST,
    Release,
    Span,
    changes,
    default_batch,
    default_util,
    release,
    rules,
    span,
)
from aim_jupyter.core.records.fit import Device, Family
from aim_jupyter.core.sizes import GIB


def gpu(model: str, gib: int, family: Family = "rocm") -> Device:
    return Device(model=model, family=family, total_bytes=gib * GIB)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.18", (0, 18, 0), (0, 18, 999)),
        ("v0.18.1", (0, 18, 1), (0, 18, 1)),
        ("0.18.0+rocm700", (0, 18, 0), (0, 18, 0)),
        ("0.32.0+cpu", (0, 32, 0), (0, 32, 0)),
        ("0.20.1+g1a2b3c4d5", (0, 20, 1), (0, 20, 1)),
        ("0.10.x (2025-08-20)", (0, 10, 0), (0, 10, 999)),
        ("0.9.2/0.10 (2025-07)", (0, 9, 2), (0, 10, 999)),
        ("<=0.16", (0, 8, 0), (0, 16, 999)),
        ("0.13.1.dev8", (0, 13, 1), (0, 19, 0)),
        ("0.14.0+rhai3", (0, 14, 0), (0, 19, 0)),
        ("0.30.0.dev1", (0, 30, 0), (0, 30, 0)),
        ("2026-08", (0, 17, 0), NEWEST),
        ("nightly", (0, 17, 0), NEWEST),
        ("", NEWEST, NEWEST),
        (None, NEWEST, NEWEST),
    ],
)
def test_a_version_is_one_release_or_a_span(text: str | None, low: Release, high: Release) -> None:
    assert span(text) == Span(low, high)


def test_each_change_comes_with_its_release() -> None:
    its = changes()
    assert not rules((0, 9, 0)).hybrid
    assert rules(release(its.hybrid)).hybrid
    assert rules((0, 25, 0)).batches == 1
    assert rules((0, 26, 0)).batches == 2
    assert not rules((0, 20, 0)).derived_tokens
    assert rules(NEWEST).derived_tokens
    assert rules(NEWEST).null_block


def test_the_usual_share_grew() -> None:
    assert default_util(span("0.18")) == 0.90
    assert default_util(span("0.20")) == 0.92


@pytest.mark.parametrize(
    ("version", "device", "expected"),
    [
        ("0.18", gpu("MI300X", 192), (1024, 8192)),
        ("0.28", gpu("MI300X", 192), (1024, 16384)),
        ("0.28", gpu("H100", 80), (1024, 8192)),
        ("0.28", gpu("A100-80GB", 80), (256, 2048)),
        ("0.28", gpu("MI210", 64), (256, 2048)),
        ("0.28", gpu("EPYC", 512, "cpu"), (128, 2048)),
        ("0.7.0", gpu("H100", 80), (256, 4096)),
    ],
)
def test_a_step_is_as_large_as_the_engine_makes_it(
    version: str, device: Device, expected: tuple[int, int]
) -> None:
    assert default_batch(span(version), device, 4096) == expected


def test_few_requests_bound_the_tokens_of_a_step() -> None:
    assert default_batch(span("0.18"), gpu("MI300X", 192), 512, 4) == (4, 2048)
