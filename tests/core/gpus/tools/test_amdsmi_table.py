"""amd-smi's tables for humans."""

from __future__ import annotations

from aim_jupyter.core.gpus.tools import amdsmi_table

BOX = """\
+------------------------------------------------------------------------------+
| AMD-SMI 26.0.0+37d158ab      amdgpu version: 6.14.14  ROCm version: 7.0.0    |
|-------------------------------------+----------------------------------------|
| BDF                        GPU-Name | Mem-Uti   Temp   UEC       Power-Usage |
| GPU  HIP-ID  OAM-ID  Partition-Mode | GFX-Uti    Fan               Mem-Usage |
|=====================================+========================================|
| 0000:0c:00.0    AMD Instinct MI300X | 0 %      43 °C   0           138/750 W |
|   0       1       2        SPX/NPS1 | 41 %       N/A            284/196592 MB |
|-------------------------------------+----------------------------------------|
| 0000:22:00.0    AMD Instinct MI300X | N/A        N/A   0             N/A     |
|   1     N/A       0         N/A/N/A | N/A        N/A            283/196592 MB |
+-------------------------------------+----------------------------------------+
+------------------------------------------------------------------------------+
| Processes:                                                                   |
|  GPU        PID  Process Name          GTT_MEM  VRAM_MEM  MEM_USAGE     CU % |
|==============================================================================|
|    0       4711  python3                2.0 MB    9.5 GB     9.6 GB  N/A     |
|    0       4712  python3                2.0 MB  600.0 MB   602.0 MB  N/A     |
|    7       4713  python3                2.0 MB    1.0 GB     1.0 GB  N/A     |
+------------------------------------------------------------------------------+
"""


def test_the_box_is_read_row_by_row() -> None:
    found = amdsmi_table.from_text(BOX)
    assert found is not None
    first, second = found.gpus
    assert (first.pci_bdf, first.hip_index, first.model) == ("0000:0c:00.0", 1, "MI300X")
    assert (first.vram_bytes, first.vram_used_bytes) == (196592 << 20, 284 << 20)
    assert (first.busy_pct, first.power_w, first.temp_c) == (41.0, 138.0, 43.0)
    assert (first.compute_partition, first.memory_partition) == ("SPX", "NPS1")
    unknown = (second.hip_index, second.compute_partition, second.power_w, second.busy_pct)
    assert unknown == (None, None, None, None)


def test_the_largest_process_makes_a_gpu_busy_and_one_without_row_makes_none() -> None:
    found = amdsmi_table.from_text(BOX)
    assert found is not None
    assert [(gpu.state, gpu.pid) for gpu in found.gpus] == [("busy", 4711), (None, None)]


def test_partitions_are_read_from_their_own_table() -> None:
    rows = "".join(f"{i}       NPS4    CPX                3                {i}\n" for i in range(3))
    found = amdsmi_table.from_text(
        "GPU_ID  MEMORY  ACCELERATOR_TYPE  PROFILE  PARTITION_ID\n" + rows
    )
    assert found is not None
    assert [gpu.partition_index for gpu in found.gpus] == [0, 1, 2]
    assert {(gpu.compute_partition, gpu.memory_partition) for gpu in found.gpus} == {
        ("CPX", "NPS4")
    }


def test_other_text_is_left_to_others() -> None:
    assert amdsmi_table.from_text("hello") is None
    assert amdsmi_table.from_text("| AMD-SMI 26.0.0 | ERROR |") is None
