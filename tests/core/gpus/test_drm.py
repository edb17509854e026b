"""What the driver says of each card."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.gpus import drm
from aim_jupyter.core.gpus.tree import Reader

from . import trees
from .trees import MemoryTree

CARD = trees.bdf(0)
PLACE = f"sys/bus/pci/devices/{CARD}"


def card(**files: str) -> drm.Card:
    content = {
        f"{PLACE}/{name.replace('__', '/')}": f"{text}\n".encode() for name, text in files.items()
    }
    return drm.read(Reader(MemoryTree(content)), PLACE)


@pytest.mark.parametrize("folder", ["bus/pci/drivers/amdgpu", "module/amdgpu/drivers/pci:amdgpu"])
def test_cards_are_found_below_their_driver_alone(folder: str) -> None:
    files = {
        path.replace(PLACE, f"sys/{folder}/{CARD}"): text
        for path, text in trees.mi300x(1).items()
        if "drivers" not in path
    }
    reader = Reader(MemoryTree(files))
    (place,) = drm.find(reader).values()
    assert drm.read(reader, place).vram_used_bytes == 284 << 20


def test_without_a_driver_folder_cards_are_found_by_class_and_only_amds() -> None:
    reader = Reader(
        MemoryTree(
            {
                "sys/class/drm/card0/device/vendor": b"0x8086\n",
                "sys/class/drm/card1/device/vendor": b"0x1002\n",
                "sys/class/drm/card1/device/uevent": b"DRIVER=amdgpu\nPCI_SLOT_NAME=0000:0C:00.0\n",
                "sys/class/drm/card1-DP-1/device/vendor": b"0x1002\n",  # a plug, no card
            }
        )
    )
    assert drm.find(reader) == {"0000:0c:00.0": "sys/class/drm/card1/device"}


def test_what_the_driver_says_is_in_bytes_watts_and_degrees() -> None:
    found = card(
        device="0x74a1",
        mem_info_vram_total=str(192 << 30),
        gpu_busy_percent="41",
        current_compute_partition="spx",
        current_memory_partition="NPS1",
        numa_node="-1",
        unique_id="459a4ac1d3eb4c01",
        hwmon__hwmon3__power1_average="612000000",
        hwmon__hwmon3__temp1_input="50000",
        hwmon__hwmon3__temp2_input="71000",
    )
    assert (found.device_id, found.vram_bytes, found.busy_pct) == (0x74A1, 192 << 30, 41)
    assert (found.compute_partition, found.memory_partition) == ("SPX", "NPS1")
    assert found.numa_node is None  # -1 is the kernel's word for unknown
    assert found.unique_id == 0x459A4AC1D3EB4C01
    assert (found.power_w, found.temp_c) == (612.0, 71.0)  # the junction, not the edge


def test_what_can_not_be_true_is_unknown() -> None:
    found = card(
        mem_info_vram_total=str(1 << 60),
        gpu_busy_percent="101",
        current_compute_partition="XPX",
        product_name="x" * 65,
        hwmon__hwmon3__temp2_input="999999",
    )
    assert found == drm.Card(address=found.address)


@given(st.integers(0, (1 << 64) - 1), st.sampled_from(["{:x}", "0x{:x}", "{:016X}", "0X{:X}"]))
def test_a_hexadecimal_number_is_read_however_it_is_written(number: int, form: str) -> None:
    assert drm.hexadecimal(form.format(number)) == number


@pytest.mark.parametrize("text", [None, "", "0x", "-1", "0x12g", "1" * 17, "0x 1"])
def test_what_is_no_hexadecimal_number_is_none(text: str | None) -> None:
    assert drm.hexadecimal(text) is None
    assert drm.hexadecimal("10000", 0xFFFF) is None
