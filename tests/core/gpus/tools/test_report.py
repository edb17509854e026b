"""What one tool said, and the words that all of them share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.gpus.tools import report
from tests.core.gpus.tools.printed import STATIC, listed, text


@pytest.mark.parametrize(
    ("vram", "gtt", "vendor", "inside"),
    [(512, 98304, "N/A", True), (512, 98304, "SAMSUNG", False), (32704, 0, "N/A", False)],
)
def test_memory_tells_a_gpu_inside_the_processor(
    *, vram: int, gtt: int, vendor: str, inside: bool
) -> None:
    entry = {
        "gpu": 0,
        "asic": {"device_id": "0x9999"},
        "vram": {"vendor": vendor},
        "mem_usage": {
            "total_vram": {"value": vram, "unit": "MB"},
            "total_gtt": {"value": gtt, "unit": "MB"},
        },
    }
    assert listed(text([entry]))[0].integrated is inside
    card = {
        "Device ID": "0x9999",
        "VRAM Total Memory (B)": str(vram << 20),
        "GTT Total Memory (B)": str(gtt << 20),
        "GPU memory vendor": vendor,
    }
    assert listed(text({"card0": card, "system": {}}))[0].integrated is inside


def test_a_partition_with_its_whole_gpus_memory_is_cut_to_unknown() -> None:
    entry = STATIC | {"partition": {"compute_partition": "CPX", "partition_id": 1}}
    (gpu,) = listed(text([entry]))
    assert (gpu.vram_bytes, gpu.reason) == (None, report.WHOLE_DEVICE)
    quota = entry | {"vram": {"size": {"value": 24574, "unit": "MB"}}}
    assert listed(text([quota]))[0].vram_bytes == 24574 << 20


def test_old_names_of_an_mi100_are_read() -> None:
    assert report.gfx("gfx9008") == "gfx908"
    assert report.gfx("gfx9010") == "gfx90a"
    assert [report.gfx(name) for name in ("gfx1030", "gfx942", "GFX1200", "gfx", "N/A", None)] == [
        "gfx1030",
        "gfx942",
        "gfx1200",
        None,
        None,
        None,
    ]


def test_what_a_tool_calls_unknown_is_none() -> None:
    said: tuple[object, ...] = ("N/A", "", "none", "<redacted>", None, [], "a\x1b[31mb")
    assert [report.word(value) for value in said] == [None] * 7
    assert report.word(" MI300X ") == "MI300X"
    assert report.word(7) == "7"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (284, 284 << 20),
        ("284 MB", 284 << 20),
        ({"value": 2, "unit": "GB"}, 2 << 30),
        ({"value": 512, "unit": "KB"}, 512 << 10),
        ({"value": 9, "unit": "furlongs"}, None),
        (-1, None),
        (True, None),
        ("N/A", None),
    ],
)
def test_sizes_are_bytes_whatever_the_unit(value: object, found: int | None) -> None:
    assert report.size(value) == found


def test_numbers_are_within_their_bounds() -> None:
    assert report.number({"value": "45.5"}) == 45.5
    assert report.whole("304") == 304
    assert report.whole("304", 100) is None
    assert report.whole(-1) is None


@given(st.integers(1, (1 << 64) - 1), st.sampled_from(["{:x}", "0x{:X}", "GPU-{:016x}"]))
def test_a_unique_id_is_the_same_however_it_is_written(number: int, form: str) -> None:
    assert report.unique_id(form.format(number)) == f"{number:016x}"


def test_an_id_of_nothing_is_none() -> None:
    assert [report.unique_id(value) for value in ("0x0", "N/A", "x", None)] == [None] * 4
    assert report.pci_id("0x74A1") == "0x74a1"
    assert report.pci_id("74a1") is None
    assert report.minor("renderD128") == 128
    assert report.minor("card1") is None
