"""An engine environment as users read it."""

from __future__ import annotations

import pytest

from aim_jupyter.core.records import EngineEnvironment


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({"engine": "vllm", "engine_title": "vLLM", "version": "0.32.0"}, "vLLM 0.32.0"),
        ({"engine": "vllm", "engine_title": "vLLM"}, "vLLM"),
        ({"engine": "sglang", "version": "0.5.4"}, "sglang 0.5.4"),
        ({}, "engine"),
    ],
)
def test_the_title_says_what_is_known(facts: dict[str, str], title: str) -> None:
    found = EngineEnvironment(name="x", python="/x", source="managed", **facts)  # type: ignore[arg-type]
    assert found.title == title


def test_one_that_nobody_asked_is_not_usable() -> None:
    assert not EngineEnvironment(name="x", python="/x", source="notebook").usable
