"""The config of a folder, as the engine reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aim_jupyter.core.checkpoint.folder import parsed, read

BESIDE = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}}


def test_what_stands_beside_a_config_says_how_it_is_quantized(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert "quantization_config" not in read(tmp_path)
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(BESIDE))
    assert read(tmp_path)["quantization_config"]["quant_method"] == "modelopt"
    (tmp_path / "config.json").write_text('{"quantization_config": {"quant_method": "fp8"}}')
    assert read(tmp_path)["quantization_config"] == {"quant_method": "fp8"}


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "{", "", "[" * 100_000])
def test_what_holds_no_object_is_a_value_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r".+"):
        parsed(tmp_path / "config.json")


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path)
