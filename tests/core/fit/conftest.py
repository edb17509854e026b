"""Models and machines that the tests of the fit share."""

from __future__ import annotations

import importlib.util
import json
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aim_jupyter.testing import sums

ROOT = Path(__file__).parents[3]
POINTS = ROOT.parent / "shared" / "fixtures" / "fit" / "points.csv"

Answer = dict[str, Any]
WriteTensors = Callable[[Mapping[str, tuple[str, list[int]]]], Path]

SMALL = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": 4,
    "hidden_size": 512,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 1024,
    "vocab_size": 1000,
    "max_position_embeddings": 4096,
}


def small(**changes: Any) -> dict[str, Any]:
    """Return a config of a small Llama with `changes`; None takes a key away."""
    config = {**SMALL, **changes}
    return {name: value for name, value in config.items() if value is not None}


def ask(model: str = "meta-llama/Llama-3.3-70B-Instruct", **parameters: Any) -> Answer:
    """Return the answer for a known model on one MI300X."""
    asked = {"model": model, "machine": "mi300x:1", "engine_version": "0.18", **parameters}
    return sums.answer(asked)


@pytest.fixture(scope="session")
def benchmark() -> Iterator[ModuleType]:
    """Return the module that compares with measured starts; skip where those are not at hand."""
    if not POINTS.is_file():
        pytest.skip("the measured starts (../shared/fixtures/fit/points.csv) are not here")
    spec = importlib.util.spec_from_file_location("fit_benchmark", ROOT / "benchmarks" / "fit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(ROOT / "benchmarks"))  # as where it is run as a program
    spec.loader.exec_module(module)
    sys.path.pop(0)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def checkpoint(tmp_path: Path) -> WriteTensors:
    """Return a function that writes the header of a safetensors file, without its data."""

    def write(tensors: Mapping[str, tuple[str, list[int]]]) -> Path:
        entries: dict[str, Any] = {
            name: {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]}
            for name, (dtype, shape) in tensors.items()
        }
        header = json.dumps({"__metadata__": {"format": "pt"}, **entries}).encode()
        (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
        return tmp_path

    return write
