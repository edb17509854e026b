"""Weights counted from the headers of a checkpoint."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from aim_jupyter import demo
from aim_jupyter.core import fit
from aim_jupyter.core.checkpoint.folder import read
from aim_jupyter.core.choice import checkpoints
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
