"""Weights counted from the headers of a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter import demo
from aim_jupyter.core import fit
from aim_jupyter.core.checkpoint.folder import read
from aim_jupyter.core.choice import checkpoints
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Model, Weights
from aim_jupyter.core.records.fit import Settings
from tests.core.cache.folders import WHOLE, cached
from tests.core.cache.sound import sound_model

MODEL = fit.architecture(read(demo.FOLDER))


def test_a_folder_is_counted_and_two_gpus_take_about_half(tmp_path: Path) -> None:
    folder = sound_model(tmp_path / "model")
    one = checkpoints.weights(str(folder), None, MODEL, Settings())
    assert one is not None
    band, where = one
    assert where == checkpoints.ON_DISK
    assert band.low == band.high > 0
    files = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    assert band.low <= files * 2.2  # of a type of twice the size at most
    two = checkpoints.weights(str(folder), None, MODEL, Settings(tp=2))
    assert two is not None
    assert 0.4 * band.low < two[0].low < band.low


def test_what_can_not_be_counted_is_none(tmp_path: Path) -> None:
    folder = sound_model(tmp_path / "model")
    assert checkpoints.weights(str(folder), None, replace(MODEL, problem="odd"), Settings()) is None
    assert checkpoints.weights(str(folder), None, MODEL, Settings(quantization="fp8")) is None
    assert checkpoints.weights("own/none", None, MODEL, Settings()) is None
    next(folder.glob("*.safetensors")).write_bytes(b"nonsense")
    assert checkpoints.weights(str(folder), None, MODEL, Settings()) is None


def test_only_what_is_whole_lies_somewhere() -> None:
    assert checkpoints.folder("package:demo", None) == demo.FOLDER
    assert checkpoints.folder("own/model", None) is None
    cached("own/model", *WHOLE)
    assert checkpoints.folder("own/model", None) is not None
    cached("own/half", "config.json")
    assert checkpoints.folder("own/half", None) is None


LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 100, "torch_dtype": "bfloat16",
}  # fmt: skip
OWN = Model(name="own/model", facts=LLAMA)
PLAIN = Weights(repo="own/model", precision="bf16")


def test_the_demo_is_filed_under_its_own_name_and_others_under_their_checkpoint(
    shipped: Catalogue,
) -> None:
    demo = shipped.find("demo")
    assert demo is not None
    weights = next(iter(demo.weights.values()))
    assert checkpoints.name_of(demo, weights) == "demo"
    assert not checkpoints.architecture_of(demo, weights).problem
    assert checkpoints.name_of(OWN, PLAIN) == "own/model"


def test_plain_weights_are_as_the_config_says() -> None:
    assert checkpoints.config_for(OWN, PLAIN) == LLAMA
    assert checkpoints.architecture_of(OWN, PLAIN).problem == ""


def test_how_others_are_stored_is_told_or_not_known() -> None:
    odd = Weights(repo="own/model-odd", precision="fp5")
    assert checkpoints.config_for(OWN, odd) is None
    assert checkpoints.architecture_of(OWN, odd).problem == "weights in fp5 are not known here"
    fp8 = checkpoints.config_for(OWN, Weights(repo="own/model-fp8", precision="fp8"))
    assert fp8 is not None
    assert "quantization_config" in fp8


@pytest.mark.parametrize("overrides", ['{"max_position_embeddings": 77}'])
def test_what_is_overridden_is_what_the_engine_loads(overrides: str) -> None:
    found = checkpoints.loaded(OWN, PLAIN, overrides)
    assert found is not None
    assert found["max_position_embeddings"] == 77
    assert "max_position_embeddings" not in (checkpoints.loaded(OWN, PLAIN) or {})
    assert checkpoints.loaded(replace(OWN, file="x.yaml"), PLAIN) == LLAMA
