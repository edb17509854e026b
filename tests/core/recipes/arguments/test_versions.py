"""Which engine versions a recipe holds for."""

import pytest

from aim_jupyter.core.recipes.arguments.versions import holds_for


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
