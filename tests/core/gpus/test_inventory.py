"""The GPUs of a tree, in the order that HIP counts them."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from aim_jupyter.core import devices, gpus
from aim_jupyter.core.gpus import inventory
from aim_jupyter.core.gpus.drm import Card
from aim_jupyter.core.gpus.tree import Reader
from aim_jupyter.core.records import Gpu
from aim_jupyter.core.sizes import GIB

from . import trees
from .trees import MemoryTree

CARD = trees.bdf(0)


def seen(tree: MemoryTree) -> tuple[tuple[Gpu, ...], Reader]:
    reader = Reader(tree)
    return inventory.gpus(reader), reader


def test_ordinals_count_only_what_was_passed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = trees.mi300x(4)
    del files["dev/dri/renderD136"]
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(files, tmp_path)))
    found = gpus.machine().gpus
    assert [gpu.hip_index for gpu in found] == [0, None, 1, 2]
    assert found[1].state == "hidden"


def test_gpus_of_other_containers_are_listed_as_hidden() -> None:
    tree = MemoryTree(trees.mi300x(3))
    denied = {
        f"{trees.NODES}/{node}/{name}": errno.EPERM
        for node in (2, 4)
        for name in ("properties", "gpu_id", "name")
    }
    reader = Reader(tree.damaged(denied))
    mine, *others = inventory.gpus(reader)
    assert (mine.kfd_node, mine.rocr_index, mine.pci_bdf) == (3, 0, trees.bdf(1))
    assert [gpu.pci_bdf for gpu in others] == [trees.bdf(0), trees.bdf(2)]
    assert {(gpu.state, gpu.usable, gpu.rocr_index) for gpu in others} == {("hidden", False, None)}
    assert any(note.startswith("2 GPU(s)") for note in reader.notes)


def test_a_gpu_without_an_address_is_not_counted_twice() -> None:
    path = f"{trees.NODES}/2/properties"
    spx = MemoryTree(trees.mi300x(2))
    without = spx.files[path].replace(b"location_id", b"location_xx")
    found, reader = seen(spx.damaged({path: without}))
    assert len(found) == 2
    broken = [gpu for gpu in found if gpu.pci_bdf is None]
    assert len(broken) == 1
    assert any("address" in note for note in reader.notes)


def copied(**extra: bytes) -> trees.Files:
    """Return a tree whose cards were copied out of their links, as ``cp -rL`` does."""
    files = {path: text for path, text in trees.mi300x(1).items() if "bus/pci" not in path}
    folder = f"sys/bus/pci/devices/{CARD}/"
    card = {k.removeprefix(folder): v for k, v in trees.mi300x(1).items() if k.startswith(folder)}
    return files | {f"sys/class/drm/card0/device/{k}": v for k, v in (card | extra).items()}


def test_a_copied_card_is_matched_by_what_it_announces_and_never_listed_twice() -> None:
    (told,), _ = seen(MemoryTree(copied(uevent=f"PCI_SLOT_NAME={CARD.upper()}\n".encode())))
    assert told.vram_used_bytes_reported == 284 << 20
    (lost,), reader = seen(MemoryTree(copied()))
    assert lost.vram_used_bytes_reported is None
    assert any("left out" in note for note in reader.notes)


@pytest.mark.parametrize(
    ("vram_gib", "gtt_gib", "vendor", "inside"),
    [(0.5, 96, None, True), (0.5, 96, "samsung", False), (32, 0, None, False)],
)
def test_a_gpu_that_no_table_has_is_told_by_its_memory(
    *, vram_gib: float, gtt_gib: int, vendor: str | None, inside: bool
) -> None:
    card = Card(vram_bytes=int(vram_gib * GIB), gtt_bytes=gtt_gib * GIB, vram_vendor=vendor)
    assert inventory.integrated(None, None, card) is inside


def test_the_table_and_the_architecture_come_before_the_memory() -> None:
    small = Card(vram_bytes=GIB // 2, gtt_bytes=96 * GIB)
    assert inventory.integrated(devices.device("0x74a1"), None, small) is False
    assert inventory.integrated(None, "gfx1151") is True
    assert inventory.integrated(None, "gfx942", with_cpu=True) is True
    assert inventory.integrated(None, "gfx942") is False
    assert inventory.integrated(None, None) is None


def test_a_partitioned_card_shows_its_sensors_once_and_its_use_nowhere() -> None:
    found, _ = seen(MemoryTree(trees.mi300x(1, 8)))
    assert [gpu.partition_index for gpu in found] == list(range(8))
    assert {gpu.vram_used_bytes for gpu in found} == {None}
    assert {gpu.vram_used_bytes_reported for gpu in found} == {284 << 20}
    assert found[0].busy_pct is not None
    assert {gpu.busy_pct for gpu in found[1:]} == {None}


def test_cards_without_compute_come_last_and_say_so() -> None:
    (card,), _ = seen(MemoryTree({k: v for k, v in trees.mi300x(1).items() if "kfd" not in k}))
    assert (card.usable, card.reason, card.source) == (
        False,
        "no compute driver (KFD) for it",
        "drm",
    )
    assert card.state is None
