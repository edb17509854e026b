"""hwloc's XML: AMD devices as its RSMI backend lists them."""

from __future__ import annotations

from aim_jupyter.core.gpus.tools import hwloc


def topology(*devices: str) -> str:
    return f'<?xml version="1.0"?>\n<topology version="2.0">{"".join(devices)}</topology>'


def device(rsmi: str = "rsmi0", busid: str = "0000:c1:00.0", kind: str = "PCIDev") -> str:
    return (
        f'<object type="{kind}" pci_busid="{busid}" pci_type="0380 [1002:7408] [1002:0b0c] 01">'
        f'<object type="OSDev" name="{rsmi}"><info name="GPUModel" value="AMD Instinct MI250X"/>'
        '<info name="AMDUUID" value="18ffe3c8e0a1e2d3"/>'
        '<info name="RSMIVRAMSize" value="67092480"/></object></object>'
    )


def test_devices_come_in_the_order_of_their_rsmi_index() -> None:
    found = hwloc.from_text(topology(device("rsmi1", "0000:c6:00.0"), device("rsmi0")))
    assert found is not None
    first, second = found.gpus
    assert (first.pci_bdf, second.pci_bdf) == ("0000:c1:00.0", "0000:c6:00.0")
    assert (first.pci_device_id, first.unique_id_hex) == ("0x7408", "18ffe3c8e0a1e2d3")
    assert first.vram_bytes == 67092480 << 10


def test_other_devices_are_no_gpus() -> None:
    found = hwloc.from_text(topology(device("eth0"), device(kind="Bridge")))
    assert found is not None
    assert found.gpus == ()


def test_xml_that_was_cut_short_is_told_and_other_text_is_not_ours() -> None:
    found = hwloc.from_text(topology(device())[:-20])
    assert found is not None
    assert found.gpus == ()
    assert "cut short or damaged" in found.notes[0]
    assert hwloc.from_text("<html/>") is None


def test_entities_that_expand_without_end_are_refused() -> None:
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<!DOCTYPE t [<!ENTITY l0 "lollollol">{bomb}]><topology>&l9;</topology>'
    found = hwloc.from_text(text)
    assert found is not None
    assert (found.gpus, len(found.notes)) == ((), 1)
