"""What is wrong with a model's files is found before a start, whatever is wrong."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core.cache import soundness
from aim_jupyter.core.errors import AimError
from tests.core.cache.sound import safetensors, sound_model


def told(folder: Path, *, pickle: bool = False) -> str:
    return " ".join(error.found for error in soundness.faults(folder, pickle=pickle))


def test_a_sound_model_has_no_fault(tmp_path: Path) -> None:
    assert told(sound_model(tmp_path / "m")) == ""


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", b"{", "config.json is no JSON"),
        ("config.json", b"[1]", "config.json holds no object"),
        ("config.json", b"{}", "neither model_type nor architectures"),
        ("config.json", b"\xff\xfe", "config.json is no JSON"),
        ("config.json", None, "it lacks config.json"),
        ("tokenizer.json", b'{"a": !}', "tokenizer.json is no JSON"),
        ("tokenizer.json", None, "it lacks tokenizer.json"),
        ("tokenizer_config.json", b"x", "tokenizer_config.json is no JSON"),
        ("generation_config.json", b"", "generation_config.json is no JSON"),
        ("model.safetensors", None, "it lacks model.safetensors"),
        ("model.safetensors", b"", "it is empty"),
        ("model.safetensors", b"abc", "only 3 bytes"),
        ("model.safetensors", b"\xff" * 64, "only 64 bytes, its header alone is longer"),
        ("model.safetensors", (4).to_bytes(8, "little") + b"[12]", "no safetensors header"),
        ("model.safetensors", safetensors(data=5), "of "),
        ("model.safetensors", safetensors(data=9), "1 bytes too many"),
        ("model.safetensors", safetensors(end=-1), "no safetensors header"),
        ("model.safetensors", safetensors(extra="x"), "no safetensors header"),
        ("model.safetensors.index.json", b"{", "it lacks model.safetensors.index.json"),
        (
            "model.safetensors.index.json",
            b'{"weight_map": {"a": "model-00002-of-00002.safetensors"}}',
            "it lacks model-00002-of-00002.safetensors",
        ),
    ],
)
def test_each_fault_is_named(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    folder = sound_model(tmp_path / "m")
    (folder / name).unlink(missing_ok=True)
    if content is not None:
        (folder / name).write_bytes(content)
    assert said in told(folder)


def test_how_much_is_there_of_a_download_that_broke_off(tmp_path: Path) -> None:
    folder = sound_model(tmp_path / "m")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert f"{len(whole) // 2:,} of {len(whole):,} bytes are there" in told(folder)


def test_pickles_are_refused_unless_asked_for_by_name(tmp_path: Path) -> None:
    folder = sound_model(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (error,) = soundness.faults(folder)
    assert "pickles (pytorch_model.bin): loading them can run any code" in error.found
    assert "--load-format pt" in error.hint
    assert told(folder, pickle=True) == ""


def test_a_model_of_the_cache_is_downloaded_anew(tmp_path: Path) -> None:
    folder = sound_model(tmp_path / "cache/models--Org--M/snapshots/0123")
    (folder / "config.json").write_text("{")
    (error,) = list(soundness.faults(folder))[:1]
    assert error.hint.startswith("rm -r /")
    assert error.hint.endswith("/models--Org--M")


def test_a_link_to_nothing_and_a_folder_that_is_none(tmp_path: Path) -> None:
    assert "There is no folder" in told(tmp_path / ("x" * 300))
    folder = sound_model(tmp_path / "m")
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(tmp_path / "blob")
    assert "it lacks config.json" in told(folder)


def test_hundreds_of_files_take_a_fraction_of_a_second(tmp_path: Path) -> None:
    folder = sound_model(tmp_path / "m")
    shard = (folder / "model.safetensors").read_bytes()
    length = 8 + int.from_bytes(shard[:8], "little")
    for number in range(160):
        with (folder / f"model-{number:05}-of-00160.safetensors").open("wb") as file:
            file.write(shard[:length])
            file.truncate(len(shard))
    began = time.process_time()
    assert told(folder) == ""
    assert time.process_time() - began < 1


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=60,
)
@given(
    name=st.sampled_from(
        ["config.json", "tokenizer.json", "model.safetensors", "model.safetensors.index.json"]
    ),
    content=st.none() | st.binary(max_size=80) | st.text(max_size=20).map(str.encode),
    cut=st.none() | st.integers(0, 3000),
)
def test_any_breakage_is_a_sentence_never_a_traceback(
    tmp_path: Path, name: str, content: bytes | None, cut: int | None
) -> None:
    shutil.rmtree(tmp_path / "m", ignore_errors=True)
    file = sound_model(tmp_path / "m") / name
    if cut is not None and file.exists():
        file.write_bytes(file.read_bytes()[:cut])
    elif content is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(content)
    for error in soundness.faults(tmp_path / "m"):
        assert isinstance(error, AimError)
        assert error.found.endswith(".")
        assert error.hint
        assert len(error.lines) == 2
