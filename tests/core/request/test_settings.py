"""Engine options as the settings of the fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.records.fit import Settings
from aim_jupyter.core.request.settings import settings_of

BASE = Settings(util=0.5, tp=2)


@pytest.mark.parametrize(
    ("args", "changed"),
    [
        ({"max-model-len": "4096"}, {"max_model_len": 4096}),
        ({"max-num-seqs": 8}, {"max_num_seqs": 8}),
        ({"tensor-parallel-size": "4"}, {"tp": 4}),
        ({"gpu-memory-utilization": "0.9"}, {"util": 0.9}),
        ({"kv-cache-dtype": "fp8", "dtype": "bfloat16"}, {"kv_dtype": "fp8", "dtype": "bfloat16"}),
        ({"enforce-eager": None}, {"enforce_eager": True}),
        ({"enforce-eager": False}, {"enforce_eager": False}),
        ({"enable-prefix-caching": None}, {"prefix_caching": True}),
        ({"no-enable-prefix-caching": None}, {"prefix_caching": False}),
    ],
)
def test_each_option_changes_what_it_means(args: dict[str, Any], changed: dict[str, Any]) -> None:
    found = settings_of(args, BASE)
    for name, value in changed.items():
        assert getattr(found, name) == value


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"max-model-len": "many"},
        {"gpu-memory-utilization": "1.5"},
        {"gpu-memory-utilization": "-1"},
        {"gpu-memory-utilization": None},
        {"dtype": "float99"},
        {"served-model-name": "x"},
    ],
)
def test_what_says_nothing_of_memory_changes_nothing(args: dict[str, Any]) -> None:
    assert settings_of(args, BASE) == BASE


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()))
def test_no_option_breaks_it(args: dict[str, Any]) -> None:
    assert isinstance(settings_of(args, BASE), Settings)
