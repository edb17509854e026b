"""Versions as engines print them, and what tables want of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.versions import holds_for, within


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        ("0.32.0", ">=0.32,<0.33", True),
        ("0.33.0", ">=0.32,<0.33", False),
        ("0.32", ">=0.32.0", True),
        ("0.10.1rc2.dev3+g12ab", ">=0.9", True),
        ("0.33.0rc1", ">=0.32,<0.33", False),
        ("2.36", ">=2.4", True),
        ("unknown", ">=0.1", False),
        ("", ">=0.1", False),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, wanted: str, *, holds: bool) -> None:
    assert within(version, wanted) is holds


@given(st.text(max_size=40))
def test_whatever_an_engine_prints_is_no_crash(version: str) -> None:
    assert within(version, ">=0.18,<0.33") in (True, False)


@pytest.mark.parametrize(
    ("engines", "engine", "version", "holds"),
    [
        ("vllm>=0.18", "vllm", "0.18.0", True),
        ("vllm>=0.18.1", "vllm", "0.18.0", False),
        ("vllm>=0.9", "vllm", "0.10.1rc2.dev3", True),
        ("vllm", "vllm", None, True),
        ("sglang>=0.5", "vllm", "0.32.0", False),
        ("", "vllm", "0.1", True),
        ("vllm>=0.18", "vllm", "unknown", False),
    ],
)
def test_engine_versions(engines: str, engine: str, version: str | None, *, holds: bool) -> None:
    assert holds_for(engines, engine, version) is holds
