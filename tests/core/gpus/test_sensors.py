"""What the sensors of a server's own GPUs say."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core.gpus.sensors import Cards, Sensors
from aim_jupyter.core.sizes import GIB

from . import trees


def files(cards: int, parts: int = 1) -> trees.Files:
    """Return cards of which each has another load, power and heat."""
    found = trees.mi300x(cards, parts, used={card: (card + 1) * GIB for card in range(cards)})
    for card in range(cards):
        folder = f"sys/bus/pci/devices/{trees.bdf(card)}"
        found[f"{folder}/gpu_busy_percent"] = f"{20 * card}\n".encode()
        found[f"{folder}/hwmon/hwmon1/power1_average"] = f"{(card + 1) * 100_000_000}\n".encode()
        found[f"{folder}/hwmon/hwmon1/temp2_input"] = f"{50_000 + card * 1000}\n".encode()
    return found


def test_memory_and_power_are_added_load_is_averaged_and_the_hottest_counts(root: Path) -> None:
    trees.written(files(3), root)
    assert Cards([1, 2]).read() == Sensors(
        vram_used_bytes=5 * GIB, busy_pct=30, power_w=500, temp_c=52
    )


def test_partitions_of_one_card_count_its_sensors_once(root: Path) -> None:
    trees.written(files(2, 8), root)
    assert Cards([8, 9, 10]).read().vram_used_bytes == 2 * GIB
    assert Cards([7, 8]).read().power_w == 300


def test_what_one_card_does_not_tell_is_no_sum(root: Path) -> None:
    trees.written(files(2), root)
    (root / f"sys/bus/pci/devices/{trees.bdf(1)}/hwmon/hwmon1/power1_average").unlink()
    found = Cards([0, 1]).read()
    assert found.power_w is None
    assert found.vram_used_bytes == 3 * GIB


def test_each_reading_is_a_new_one(root: Path) -> None:
    trees.written(files(1), root)
    cards = Cards([0])
    assert cards.read().busy_pct == 0
    (root / f"sys/bus/pci/devices/{trees.bdf(0)}/gpu_busy_percent").write_text("100\n")
    assert cards.read().busy_pct == 100


def test_without_gpus_there_is_nothing_to_say(root: Path) -> None:
    trees.written(files(1), root)
    assert Cards([]).read() == Cards([7]).read() == Sensors()
