"""The question whether a start will fit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.fit.conftest import ask
from tests.core.fit.memory.test_verdict import LONG


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"tp": 4}, "needs 4 GPUs, the machine has 1"),
        ({"tp": 3, "machine": "mi300x:8"}, "64 heads and 8 KV heads don't divide by 3"),
        ({"max_model_len": 200_000}, "the model takes 131,072 tokens at most"),
        ({"pp": 100, "machine": "mi300x:100"}, "80 layers can't be 100 stages"),
    ],
)
def test_what_no_memory_could_mend_is_a_no(parameters: dict[str, Any], reason: str) -> None:
    answer = ask(**parameters)
    assert (answer["verdict"], answer["reason"]) == ("NO", reason)
    assert answer["available_kv_gib"] is None


def test_a_half_known_version_widens_the_band() -> None:
    exact, vague = (
        ask(engine_version=version, **LONG)["available_kv_gib"] for version in ("0.16", "0.16.dev1")
    )
    assert vague[0] <= exact[0] < exact[1] < vague[1]


def test_given_weights_take_the_place_of_counted_ones() -> None:
    answer = ask(weights_gib=100, max_model_len=8192)
    assert answer["weights_gib_per_gpu"] == 100
    assert {t["basis"] for t in answer["terms"] if t["name"] == "weights"} == {"given"}
