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
from aim_jupyter.core.gpus.tools import capture, merging, report
from aim_jupyter.core.records import Gpu
from tests.core.gpus import captured

LIST = {
    "gpu": 0,
    "bdf": "0000:0c:00.0",
    "uuid": "1fff74a1-0000-1000-8045-9a4ac1d3eb4c",
    "kfd_id": 18421,
    "node_id": 2,
    "partition_id": 0,
    "render": "renderD128",
    "card": "card0",
    "hsa_id": 2,
    "hip_id": 0,
    "hip_uuid": "GPU-459a4ac1d3eb4c01",
}
STATIC = {
    "gpu": 0,
    "asic": {
        "market_name": "AMD Instinct MI300X",
        "vendor_id": "0x1002",
        "device_id": "0x74a1",
        "asic_serial": "0x459A4AC1D3EB4C01",
        "oam_id": 2,
        "num_compute_units": 304,
        "target_graphics_version": "gfx942",
    },
    "bus": {"bdf": "0000:0c:00.0", "max_pcie_width": 16},
    "vram": {"type": "HBM", "size": {"value": 196592, "unit": "MB"}},
    "partition": {
        "accelerator_partition": "SPX",
        "memory_partition": "NPS1",
        "partition_id": 0,
    },
    "numa": {"node": 0, "affinity": 0},
}
METRIC = {
    "gpu": 0,
    "usage": {"gfx_activity": {"value": 41, "unit": "%"}, "umc_activity": "N/A"},
    "power": {"socket_power": {"value": 612, "unit": "W"}},
    "temperature": {"edge": "N/A", "hotspot": {"value": 71, "unit": "C"}},
    "mem_usage": {
        "total_vram": {"value": 196592, "unit": "MB"},
        "used_vram": {"value": 284, "unit": "MB"},
    },
}
WHOLE = Gpu(
    name="AMD Instinct MI300X",
    model="MI300X",
    pci_device_id="0x74a1",
    gfx="gfx942",
    vram_bytes=196592 << 20,
    vram_used_bytes=284 << 20,
    vram_used_bytes_reported=284 << 20,
    render_minor=128,
    pci_bdf="0000:0c:00.0",
    partition_index=0,
    compute_partition="SPX",
    memory_partition="NPS1",
    unique_id_hex="459a4ac1d3eb4c01",
    cu_count=304,
    integrated=False,
    hip_index=0,
    rocr_index=0,
    source="amd-smi",
    kfd_node=2,
    gpu_id=18421,
    numa_node=0,
    busy_pct=41.0,
    power_w=612.0,
    temp_c=71.0,
)


def text(*documents: Any) -> str:
    return "\n".join(json.dumps(document, indent=4) for document in documents)


def listed(printed: str) -> tuple[Gpu, ...]:
    found = capture.parse(printed)
    assert found is not None
    return found.gpus


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


def test_rocm_smi_says_nothing_in_words() -> None:
    printed = "WARNING: No JSON data to report\n"
    assert capture.parse(printed) is None
    head = "====== ROCm System Management Interface ======\nNo supported devices found\n"
    found = capture.parse(head)
    assert found is not None
    assert found.gpus == ()


def test_rocminfo_without_a_driver_says_so() -> None:
    found = capture.parse("ROCk module is NOT loaded, possibly no GPU devices\n")
    assert found is not None
    assert found.notes == ("rocminfo: the amdgpu driver is not loaded.",)


def test_several_outputs_of_one_machine_are_joined(tmp_path: Path) -> None:
    paths = []
    for name, document in (("list", [LIST]), ("static", {"gpu_data": [STATIC]}), ("m", [METRIC])):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps(document))
    assert gpus.from_file(*paths).gpus == (WHOLE,)
    assert gpus.from_file(*paths).host == "list"


def test_lists_are_joined_by_what_names_a_device() -> None:
    first = (Gpu(gpu_id=1, gfx="a"), Gpu(gpu_id=2), Gpu(pci_bdf="0000:0c:00.1", partition_index=1))
    second = (
        Gpu(pci_bdf="0000:0c:00.1", partition_index=1, cu_count=3),
        Gpu(gpu_id=2, cu_count=2),
        Gpu(gpu_id=1, gfx="b", cu_count=1),
    )
    joined = merging.joined(first, second)
    assert [gpu.cu_count for gpu in joined] == [1, 2, 3]
    assert joined[0].gfx == "a"
    # all partitions of a GPU share the unique id, so it names none of them
    twins = (Gpu(unique_id_hex="a", cu_count=1), Gpu(unique_id_hex="a", cu_count=2))
    assert merging.partner(Gpu(unique_id_hex="a"), twins) is None
    assert merging.joined((), first) == first
    assert merging.joined(first, ()) == first


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
