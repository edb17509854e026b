"""What the figures of a failure's own line say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving.crash import figures
from tests.core.serving.state.test_starts import PLAN

TORCH = (
    "HIP out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 192.00 GiB of "
    "which 1.00 GiB is free. Of the allocated memory 90.00 GiB is allocated by PyTorch, and 512.00 "
    "MiB is reserved by PyTorch but unallocated."
)


def told(*argv: str) -> Plan:
    return replace(PLAN, engine="vllm", argv=argv)


def test_an_allocators_message_names_its_bytes() -> None:
    assert figures.read(TORCH) == {
        "asked": 2 << 30, "total": 192 << 30, "free": 1 << 30,
        "torch": 90 << 30, "reserved": 512 << 20,
    }  # fmt: skip
    assert figures.read("Tried to allocate 1.2.3 GiB, or . MiB") == {}


@given(st.text())
def test_any_line_can_be_read(line: str) -> None:
    assert all(value >= 0 for value in figures.read(line).values())


def test_what_others_hold_counts_where_it_is_much() -> None:
    found = figures.read(TORCH)
    assert figures.others_bytes(found) == (192 - 1 - 90) * (1 << 30) - (512 << 20)
    assert figures.others_bytes({**found, "ours": 190 << 30}) is None, "1 GiB is not much"
    assert figures.others_bytes({"total": 192 << 30}) is None


def test_bytes_are_said_as_a_user_reads_them() -> None:
    assert figures.size(3 << 29) == "1.5 GiB"
    assert figures.size(512 << 20) == "512 MiB"
    assert figures.WORDS["asked_mem"](TORCH) == "2.0 GiB"
    assert figures.WORDS["free_mem"]("no figure") is None


def test_a_share_moves_by_little_and_stays_within_bounds() -> None:
    plan = told("--gpu-memory-utilization", "0.9")
    assert (figures.less_share(plan), figures.more_share(plan)) == ("0.83", "0.93")
    assert figures.more_share(told("--gpu-memory-utilization", "0.97")) is None
    assert figures.less_share(told("--gpu-memory-utilization", "0.12")) == "0.10"
    assert figures.share(told()) == 0.92, "what vLLM takes by itself"


def test_a_model_is_divided_among_fewer_gpus() -> None:
    assert figures.fewer_gpus(told("--tensor-parallel-size", "8")) == "4"
    assert figures.fewer_gpus(told("--tensor-parallel-size", "1")) is None
    assert figures.gpus(replace(told(), gpus=(0, 1, 2))) == 3


@pytest.mark.parametrize(
    ("heads", "asked", "wanted"),
    [("40", "16", "8"), ("6", "4", "2"), ("7", "8", "1"), ("7", "1", None), ("x", "8", None),
     ("9" * 13, "8", None)],
)  # fmt: skip
def test_heads_are_divided_by_a_number_that_divides_them(
    heads: str, asked: str, wanted: str | None
) -> None:
    assert figures.divisor(told(), {"heads": heads, "gpus": asked}) == wanted
