"""Every shape in which the tools print, as their change logs and reports describe them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus.tools import capture
from tests.core.gpus import captured
from tests.core.gpus.tools.printed import LIST, METRIC, STATIC, WHOLE, text


def test_several_outputs_of_one_machine_are_joined(tmp_path: Path) -> None:
    paths = []
    for name, document in (("list", [LIST]), ("static", {"gpu_data": [STATIC]}), ("m", [METRIC])):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(document))
    assert gpus.from_file(*paths).gpus == (WHOLE,)
    assert gpus.from_file(*paths).host == "list"


SAMPLES = [
    text([LIST], {"gpu_data": [STATIC]}, [METRIC]),
    *(
        (captured.ROOT / folder / names[0]).read_text(errors="replace")
        for folder, (names,) in captured.OUTPUTS.items()
        if captured.ROOT.is_dir() and folder not in ("mi250x-8gcd-hwloc", "mi25-7-oldrocm")
    ),
]


@pytest.mark.parametrize("half", ["\ud800", "\\ud800"])
def test_half_a_character_is_none(half: str) -> None:
    for sample in SAMPLES:
        for at in range(0, min(len(sample), 4000), 97):
            found = capture.parse(sample[:at] + half + sample[at:])
            if found is not None:
                msgspec.json.encode(found)


@settings(max_examples=1500, deadline=None, database=None, derandomize=True)
@given(st.sampled_from(SAMPLES), st.data())
def test_damaged_outputs_raise_nothing_and_invent_nothing(sample: str, data: st.DataObject) -> None:
    whole = capture.parse(sample)
    assert whole is not None
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, min(len(sample), start + 400)))
    filling = data.draw(
        st.sampled_from(["", "\0", "N/A", "9" * 30, "{", "]", '"', "\n", "é\ud800"])
    )
    found = capture.parse(sample[:start] + filling + sample[end:])
    if found is not None:
        assert len(found.gpus) <= len(whole.gpus) + ("9" in filling)
        msgspec.json.encode(found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from([*STATIC, *LIST, *METRIC, "card0", "gpu_data", "process_list"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=500, deadline=None, database=None, derandomize=True)
def test_json_of_any_shape_raises_nothing(document: Any) -> None:
    found = capture.parse(json.dumps(document))
    if found is not None:
        msgspec.json.encode(found)
