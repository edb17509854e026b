"""What engines call their figures, as their adapters say."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import Metrics

_FOLDER = Path(adapters.__file__).parent
VLLM, SGLANG = (
    msgspec.convert(
        tomllib.loads((_FOLDER / engine / "metrics.toml").read_text())["metrics"], Metrics
    )
    for engine in ("vllm", "sglang")
)


def of(text: str) -> Metrics:
    """Return the names of the engine that a text is from."""
    return SGLANG if text.startswith("sglang") else VLLM
