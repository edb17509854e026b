"""The device table: one row per id, complete where recipes need it, and every row with a source."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import catalogue


def test_no_id_and_no_model_stands_twice() -> None:
    ids = [pci_id for row in gpus.devices() for pci_id in (*row.ids, *row.vf_ids)]
    assert len(ids) == len(set(ids))
    models = [row.model for row in gpus.devices() if row.model]
    assert len(models) == len(set(models))
    keys = [row.key for row in gpus.devices() if row.model]
    assert len(keys) == len(set(keys))


def test_every_row_has_a_source_and_ids_as_the_kernel_writes_them() -> None:
    for row in gpus.devices():
        assert row.source
        for pci_id in (*row.ids, *row.vf_ids):
            assert catalogue.hexadecimal(int(pci_id, 16)) == pci_id


@pytest.mark.parametrize(
    ("pci_id", "model", "gfx", "gib", "fp8", "mx"),
    [
        ("0x738c", "MI100", "gfx908", 32, None, False),
        ("0x740f", "MI210", "gfx90a", 64, None, False),
        ("0x7408", "MI250X", "gfx90a", 64, None, False),
        ("0x74a0", "MI300A", "gfx942", 128, "fnuz", False),
        ("0x74a1", "MI300X", "gfx942", 192, "fnuz", False),
        ("0x74b5", "MI300X", "gfx942", 192, "fnuz", False),
        ("0x74A2", "MI308X", "gfx942", 192, "fnuz", False),
        ("0x74a5", "MI325X", "gfx942", 256, "fnuz", False),
        ("0x75a0", "MI350X", "gfx950", 288, "ocp", True),
        ("0x75a3", "MI355X", "gfx950", 288, "ocp", True),
        ("0x7551", "R9700", "gfx1201", 32, "ocp", False),
    ],
)
def test_the_rows_of_the_facts(
    pci_id: str, model: str, gfx: str, gib: int, fp8: str | None, *, mx: bool
) -> None:
    row = gpus.device(pci_id)
    assert row is not None
    assert (row.model, row.gfx, row.vram_gib, row.fp8, row.mx) == (model, gfx, gib, fp8, mx)
    assert row.reported_bytes
    assert row.reported_bytes <= gib << 30


def test_what_the_table_does_not_know_is_none() -> None:
    assert gpus.device("0x1234") is None
    assert gpus.device(None) is None
    assert catalogue.named("NVIDIA H100") is None
    assert catalogue.named(None) is None


def test_a_marketing_name_finds_its_row_and_the_longer_one_wins() -> None:
    for name, model in (
        ("AMD Instinct MI300X", "MI300X"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("AMD Instinct MI300X HF", "MI300X HF"),
        ("AMD Instinct Mi325X VF", "MI325X"),
    ):
        row = catalogue.named(name)
        assert row is not None
        assert row.model == model
    assert catalogue.named("AMD Instinct MI300XYZ") is None


def test_code_holds_no_names_of_gpus() -> None:
    package = Path(catalogue.__file__).parent
    names = {row.model for row in gpus.devices() if row.model and row.model.startswith("MI")}
    for path in package.rglob("*.py"):
        code = path.read_text()
        for quoted in (f'"{name}"' for name in names - {"MI300A"}):  # its memory is the host's
            assert quoted not in code, path


def test_the_public_names_are_these() -> None:
    assert set(gpus.__all__) == {
        "GROUP",
        "Cards",
        "Device",
        "Placement",
        "Sensors",
        "Sighting",
        "Step",
        "Use",
        "Visibility",
        "device",
        "devices",
        "enrich",
        "findings",
        "from_file",
        "in_container",
        "launch_environment",
        "machine",
        "reserve",
        "unreleased",
        "verify_placement",
        "visibility",
    }
    assert all(hasattr(gpus, name) for name in gpus.__all__)
