"""Which way of starting is chosen, and why not another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.serving.start import modes
from aim_jupyter.core.serving.start.modes import choose


@pytest.mark.parametrize(
    ("asked", "engine", "mode", "reason"),
    [
        ("auto", ("vllm", "0.32.0", "cpu"), "warm", ""),
        ("auto", ("vllm", "0.32.1+cpu", "cpu"), "warm", ""),
        ("plain", ("vllm", "0.32.0", "cpu"), "plain", ""),
        ("lean", ("vllm", "0.32.0", "cpu"), "lean", ""),
        ("fork", ("vllm", "0.32.0", "cpu"), "fork", ""),
        ("auto", ("vllm", "0.32.0", "rocm"), "lean", "unverified on rocm: --start warm tries it"),
        ("warm", ("vllm", "0.32.0", "rocm"), "warm", "unverified on rocm"),
        ("lean", ("vllm", "0.32.0", "rocm"), "lean", ""),
        ("auto", ("vllm", "0.33.0", "cpu"), "lean", "this is 0.33.0"),
        ("fork", ("vllm", "0.18.1", "cpu"), "lean", "this is 0.18.1"),
        ("plain", ("vllm", "", "cpu"), "plain", ""),
        ("fork", ("vllm", "unknown", "cpu"), "lean", "this is unknown"),
        ("auto", ("sglang", "0.5.23", "cpu"), "plain", ""),
        ("warm", ("sglang", "0.5.23", "cpu"), "plain", "no other way to start sglang"),
    ],
)
def test_the_fastest_tried_mode_is_chosen_and_the_reason_is_told(
    asked: str, engine: tuple[str, str, str], mode: str, reason: str
) -> None:
    chosen = choose(asked, *engine)

    assert chosen.mode == mode
    assert reason in chosen.reason
    assert bool(reason) == bool(chosen.reason)


def test_an_unknown_mode_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadUsage) as caught:
        choose("quick", "vllm", "0.32.0", "cpu")

    assert "plain, lean, fork, warm, auto" in caught.value.hint


def test_plain_sets_nothing_and_the_others_what_saves_work() -> None:
    assert modes.settings("plain", "vllm") == {}
    assert modes.settings("lean", "vllm") == {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
    assert modes.settings("lean", "sglang") == {}


@given(st.text(max_size=20), st.sampled_from(["cpu", "rocm"]))
def test_whatever_a_version_looks_like_there_is_a_mode(version: str, platform: str) -> None:
    assert choose("auto", "vllm", version, platform).mode in ("warm", "lean")


def test_what_is_read_at_import_is_told_from_what_one_server_is_given() -> None:
    given_ = {
        "OMP_NUM_THREADS": "2",
        "HF_HUB_OFFLINE": "1",
        "VLLM_API_KEY": "k",
        "HIP_VISIBLE_DEVICES": "3",
        "PATH": "/bin",
    }

    assert list(modes.read_at_import(given_, "vllm")) == ["HF_HUB_OFFLINE", "OMP_NUM_THREADS"]
