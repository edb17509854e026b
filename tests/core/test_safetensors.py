"""Heads of weights, whole, cut and lying."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core import safetensors
from tests.core.cache.sound import safetensors as content

_FAULTS = (
    *("it is empty", "its header is no safetensors header"),
    "its header alone is longer",
)


def test_a_head_says_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content())
    head = safetensors.header(file)
    assert "__metadata__" not in head.tensors
    assert all(each.dtype and each.shape and each.data_offsets for each in head.tensors.values())
    assert head.size == len(content())
    assert head.begin == head.size - max(one.data_offsets[1] for one in head.tensors.values())


def test_what_an_engine_loads_is_counted_once(tmp_path: Path) -> None:
    for name in ("model-1.safetensors", "old.safetensors"):
        (tmp_path / name).touch()
    index = tmp_path / "model.safetensors.index.json"
    index.write_text("{")
    assert len(safetensors.weights(tmp_path)) == 2
    index.write_text('{"weight_map": {"w": "model-1.safetensors"}}')
    assert [path.name for path in safetensors.weights(tmp_path)] == ["model-1.safetensors"]
    # vLLM's rule: Mistral's own format, where it is there.
    (tmp_path / "consolidated.safetensors").touch()
    assert [path.name for path in safetensors.weights(tmp_path)] == ["consolidated.safetensors"]


def test_what_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        safetensors.header(tmp_path / "none")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200) | st.integers(0, len(content())).map(lambda n: content()[:n]))
def test_whatever_stands_there_is_read_or_said(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(data)
    try:
        assert isinstance(safetensors.header(file).tensors, dict)
    except ValueError as error:
        assert str(error).endswith(_FAULTS)  # noqa: PT017 - either may be
