"""Every shape of amd-smi's JSON, and its indented text."""

from __future__ import annotations

import json

import pytest

from aim_jupyter.core.records import Gpu
from tests.core.gpus.tools.printed import LIST, METRIC, STATIC, WHOLE, listed, text


@pytest.mark.parametrize(
    "printed",
    [
        text([LIST], [STATIC], [METRIC]),  # up to 6.4: bare lists
        text([LIST], {"gpu_data": [STATIC]}, {"gpu_data": [METRIC]}),  # 7.x
        text(LIST, STATIC, METRIC),  # one GPU
        "WARNING: User is missing the following required groups: render, video.\n"
        "'CTRL' + 'C' to stop watching output:\n"
        + text([LIST])
        + "\n\nLegend:\n* = Current mode\n"
        + text({"gpu_data": [STATIC]})
        + json.dumps({"gpu_data": [METRIC]}),
        json.dumps([LIST]) + json.dumps([STATIC]) + json.dumps([METRIC]),  # on one line
    ],
    ids=["bare", "gpu_data", "single", "text around", "one line"],
)
def test_amd_smi_in_every_wrapper(printed: str) -> None:
    assert listed(printed) == (WHOLE,)


def test_amd_smi_as_indented_text() -> None:
    printed = """\
GPU: 0
    ASIC:
        MARKET_NAME: AMD Instinct MI300X
        DEVICE_ID: 0x74a1
        ASIC_SERIAL: 0x459A4AC1D3EB4C01
        NUM_COMPUTE_UNITS: 304
        TARGET_GRAPHICS_VERSION: gfx942
    BUS:
        BDF: 0000:0c:00.0
    VRAM:
        SIZE: 196592 MB
    PARTITION:
        COMPUTE_PARTITION: SPX
        MEMORY_PARTITION: NPS1
        PARTITION_ID: 0

GPU: 1
    ASIC:
        MARKET_NAME: N/A
    BUS:
        BDF: N/A
"""
    first, second = listed(printed)
    assert first.vram_bytes == 196592 << 20
    assert (first.unique_id_hex, first.cu_count) == ("459a4ac1d3eb4c01", 304)
    assert (first.compute_partition, first.memory_partition) == ("SPX", "NPS1")
    assert second == Gpu(source="amd-smi")


def test_amd_smi_leaves_that_are_not_available_or_plain() -> None:
    entry = {
        "gpu": 3,
        "asic": {"market_name": "N/A", "device_id": "N/A", "num_compute_units": "N/A"},
        "usage": "N/A",
        "vram": {"size": 196592},
        "mem_usage": {"used_vram": "284 MB", "total_vram": {"value": "N/A", "unit": "N/A"}},
        "partition": "N/A",
    }
    (gpu,) = listed(text([entry]))
    assert gpu == Gpu(
        vram_bytes=196592 << 20,
        vram_used_bytes=284 << 20,
        vram_used_bytes_reported=284 << 20,
        integrated=False,  # none in a processor has that much of its own
        source="amd-smi",
    )


def test_amd_smi_partitions_of_7_and_the_documents_of_6() -> None:
    rows = [
        {"gpu_id": i, "memory": "NPS4", "accelerator_type": "CPX", "partition_id": i}
        for i in range(8)
    ]
    for printed in (
        text({"current_partition": rows, "memory_partition": [], "partition_profiles": []}),
        text(rows) + "\n\nLegend:\n* = Current mode\n",
    ):
        found = listed(printed)
        assert [gpu.partition_index for gpu in found] == list(range(8))
        assert {(gpu.compute_partition, gpu.memory_partition) for gpu in found} == {("CPX", "NPS4")}


def test_what_a_gpu_could_be_set_to_is_not_what_it_is_set_to() -> None:
    current = [{"gpu_id": 0, "memory": "NPS1", "accelerator_type": "CPX*", "partition_id": 0}]
    profiles = [
        {"gpu_id": 0, "profile_index": 0, "accelerator_type": "SPX", "num_partitions": 1},
        {"gpu_id": "", "profile_index": 3, "accelerator_type": "CPX*", "num_partitions": 8},
    ]
    (gpu,) = listed(text(profiles, current, profiles))
    assert gpu.compute_partition == "CPX"


def test_amd_smi_processes_make_a_gpu_busy_and_an_empty_list_proves_nothing() -> None:
    info = {"pid": 4711, "memory_usage": {"vram_mem": {"value": 9 << 30, "unit": "B"}}}
    none = {"pid": 4712, "memory_usage": {"vram_mem": {"value": 0, "unit": "B"}}}
    entries = [
        {"gpu": 0, "process_list": [{"process_info": none}, {"process_info": info}]},
        {"gpu": 1, "process_list": [{"process_info": "No running processes detected"}]},
        {"gpu": 2, "process_list": []},
        {"gpu": 3, "process_list": [{"process_info": none}]},  # it has opened the device, no more
    ]
    assert [(gpu.state, gpu.pid) for gpu in listed(text(entries))] == [
        ("busy", 4711),
        (None, None),
        (None, None),
        (None, None),
    ]
