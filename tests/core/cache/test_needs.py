"""Which files of a model an engine needs."""

from __future__ import annotations

import pytest

from aim_jupyter.core.cache.needs import wanted


@pytest.mark.parametrize(
    ("name", "is_wanted"),
    [
        ("model-00001-of-00002.safetensors", True),
        ("tokenizer.json", True),
        ("tokenizer.model", True),
        ("modeling_own.py", True),
        ("chat_template.jinja", True),
        ("pytorch_model.bin", False),
        ("original/consolidated.00.pth", False),
        ("onnx/model.json", False),
        ("unet/model.safetensors", False),
        ("README.md", False),
    ],
)
def test_what_an_engine_needs(name: str, *, is_wanted: bool) -> None:
    assert wanted(name) is is_wanted
