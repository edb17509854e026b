"""rocminfo: the agents in the runtime's own order, or why it could not start."""

from __future__ import annotations

import pytest

from aim_jupyter.core.gpus.tools import capture, rocminfo


def test_rocminfo_without_a_driver_says_so() -> None:
    found = capture.parse("ROCk module is NOT loaded, possibly no GPU devices\n")
    assert found is not None
    assert found.notes == ("rocminfo: the amdgpu driver is not loaded.",)


AGENTS = """\
ROCk module is loaded
=====================
HSA Agents
==========
*******
Agent 1
*******
  Name:                    AMD EPYC 9654
  Device Type:             CPU
*******
Agent 2
*******
  Name:                    gfx942
  Uuid:                    GPU-459a4ac1d3eb4c01
  Marketing Name:          AMD Instinct MI300X
  Node:                    2
  Device Type:             GPU
  Chip ID:                 29857(0x74a1)
  BDFID:                   3072
  Domain:                  0
  Compute Unit:            304
  Pool Info:
    Pool 1
      Segment:                 GLOBAL; FLAGS: COARSE GRAINED
      Size:                    201310208(0xbffc000) KB
      Name:                    not the agent's
"""


def test_processors_are_no_gpus_and_ordinals_count_gpus_alone() -> None:
    found = rocminfo.from_text(AGENTS)
    assert found is not None
    (gpu,) = found.gpus
    assert (gpu.hip_index, gpu.kfd_node, gpu.gfx, gpu.cu_count) == (0, 2, "gfx942", 304)
    assert (gpu.pci_bdf, gpu.pci_device_id) == ("0000:0c:00.0", "0x74a1")
    assert gpu.vram_bytes == 201310208 << 10
    assert gpu.unique_id_hex == "459a4ac1d3eb4c01"


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ("Permission denied", "/dev/kfd: permission denied"),
        ("Cannot allocate memory", "/dev/kfd: the driver refuses (ENOMEM)"),
        ("No such file or directory", "/dev/kfd is missing"),
        ("Too many open files", "/dev/kfd: Too many open files"),
    ],
)
def test_why_it_could_not_start(said: str, refusal: str) -> None:
    found = rocminfo.from_text(
        f"ROCk module is loaded\nUnable to open /dev/kfd read-write: {said}\n"
    )
    assert found is not None
    assert (found.gpus, found.refusal) == ((), refusal)
    assert said in found.notes[0]


def test_other_text_is_left_to_others() -> None:
    assert rocminfo.from_text("GPU: 0\n") is None
