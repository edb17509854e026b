"""The longest context that fits: what ``auto`` stands for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aim_jupyter.core.fit as fit  # noqa: PLR0402
from aim_jupyter.core.fit.memory.context import rounded
from aim_jupyter.testing import sums
from tests.core.fit.conftest import ask, small

QWEN = "Qwen/Qwen3-32B"


@pytest.mark.parametrize("users", [1, 4, 16])
@pytest.mark.parametrize("version", ["0.18", "0.32"])
def test_auto_is_the_longest_that_all_users_have_room_for(users: int, version: str) -> None:
    asked: dict[str, Any] = {"users": users, "engine_version": version}
    found = ask(QWEN, max_model_len="auto", **asked)
    length = found["settings"]["max_model_len"]
    assert found["verdict"] == "FITS"
    assert ask(QWEN, max_model_len=length, **asked)["verdict"] == "FITS"
    limit = found["context_limit"]
    assert length == limit or length % 1024 == 0
    if length < limit:
        assert ask(QWEN, max_model_len=length + 1024, **asked)["verdict"] != "FITS"


def test_auto_never_goes_below_what_is_of_use() -> None:
    found = ask(max_model_len="auto", machine="mi300x:1", util=0.70, engine_version="0.18")
    assert found["settings"]["max_model_len"] == fit.LEAST
    assert found["verdict"] == "NO"
    assert found["available_kv_gib"] is not None


def test_auto_ends_where_the_class_of_the_model_does() -> None:
    config = small(max_position_embeddings=None)
    found = sums.answer({"config": config, "machine": "mi300x", "max_model_len": "auto"})
    assert found["context_limit"] == 2048  # the default of its class


def test_auto_with_measured_room() -> None:
    found = sums.answer(
        {"model": "Qwen/Qwen3-8B", "available_kv_gib": 2, "max_model_len": "auto", "users": 2}
    )
    assert found["verdict"] == "FITS"
    assert found["settings"]["max_model_len"] == 7168


@given(st.integers(1, 10**7))
def test_rounded_is_near_and_never_more(length: int) -> None:
    assert 0 < rounded(length) <= length
    assert rounded(length) > 0.87 * length
