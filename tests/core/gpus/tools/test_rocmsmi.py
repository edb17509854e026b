"""rocm-smi: JSON of any version, and its two kinds of text."""

from __future__ import annotations

from aim_jupyter.core.gpus.tools import capture, rocmsmi
from tests.core.gpus.tools.printed import listed, text


def test_rocm_smi_says_nothing_in_words() -> None:
    printed = "WARNING: No JSON data to report\n"
    assert capture.parse(printed) is None
    head = "====== ROCm System Management Interface ======\nNo supported devices found\n"
    found = capture.parse(head)
    assert found is not None
    assert found.gpus == ()


def test_json_of_old_and_new_versions_says_the_same() -> None:
    old = {
        "Card series": "Arcturus GL-XL",
        "GPU ID": "0x738c",
        "Unique ID": "0x18ffe3c8e0a1e2d3",
        "PCI Bus": "0000:27:00.0",
        "VRAM Total Memory (B)": "34342961152",
        "Average Graphics Package Power (W)": "38.0",
        "Temperature (Sensor edge) (C)": "36.0",
    }
    new = {
        "Card Series": "Arcturus GL-XL",
        "Device ID": "0x738c",
        "Unique ID": "0x18ffe3c8e0a1e2d3",
        "PCI Bus": "0000:27:00.0",
        "VRAM Total Memory (B)": "34342961152",
        "Max Graphics Package Power (W)": "290.0",
        "Current Socket Graphics Package Power (W)": "38.0",
        "Temperature (Sensor edge) (C)": "36.0",
        "GFX Version": "gfx908",
    }
    (first,), (second,) = (listed(text({"card0": card, "system": {}})) for card in (old, new))
    assert first == second
    assert (first.power_w, first.temp_c, first.pci_bdf) == (38.0, 36.0, "0000:27:00.0")


def test_ordinals_follow_the_kernels_nodes_and_not_the_bus() -> None:
    cards = {f"card{i}": {"Node ID": str(node), "GUID": str(i)} for i, node in enumerate((4, 2, 3))}
    assert [gpu.hip_index for gpu in listed(text(cards))] == [2, 0, 1]
    del cards["card1"]["Node ID"]
    assert [gpu.hip_index for gpu in listed(text(cards))] == [None] * 3


def test_the_concise_table_of_6_1_and_later_is_read() -> None:
    found = rocmsmi.from_text(
        "====== ROCm System Management Interface ======\n"
        "0       2     0x74a1,   28851  43.0°C      138.0W    NPS1, SPX, 0        0%   0%\n"
    )
    assert found is not None
    (gpu,) = found.gpus
    assert (gpu.kfd_node, gpu.gpu_id, gpu.pci_device_id) == (2, 28851, "0x74a1")
    assert (gpu.compute_partition, gpu.memory_partition, gpu.partition_index) == ("SPX", "NPS1", 0)
    assert (gpu.temp_c, gpu.power_w, gpu.busy_pct) == (43.0, 138.0, 0.0)


def test_what_is_none_of_its_output_is_left_to_others() -> None:
    assert rocmsmi.from_text("GPU: 0\n") is None
    assert rocmsmi.from_json([{"gpu": 0}, [], "card0"]) is None
