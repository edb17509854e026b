"""The device table: one row per id, complete where recipes need it, and every row with a source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from aim_jupyter.core import devices
from aim_jupyter.core.errors import BadUsage


def test_no_id_and_no_model_stands_twice() -> None:
    ids = [pci_id for row in devices.devices() for pci_id in (*row.ids, *row.vf_ids)]
    assert len(ids) == len(set(ids))
    models = [row.model for row in devices.devices() if row.model]
    assert len(models) == len(set(models))
    keys = [row.key for row in devices.devices() if row.model]
    assert len(keys) == len(set(keys))


def test_every_row_has_a_source_and_ids_as_the_kernel_writes_them() -> None:
    for row in devices.devices():
        assert row.source
        for pci_id in (*row.ids, *row.vf_ids):
            assert devices.hexadecimal(int(pci_id, 16)) == pci_id


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
    row = devices.device(pci_id)
    assert row is not None
    assert (row.model, row.gfx, row.vram_gib, row.fp8, row.mx) == (model, gfx, gib, fp8, mx)
    assert row.reported_bytes
    assert row.reported_bytes <= gib << 30


def test_what_the_table_does_not_know_is_none() -> None:
    assert devices.device("0x1234") is None
    assert devices.device(None) is None
    assert devices.named("NVIDIA H100") is None
    assert devices.named(None) is None


def test_a_marketing_name_finds_its_row_and_the_longer_one_wins() -> None:
    for name, model in (
        ("AMD Instinct MI300X", "MI300X"),
        ("AMD Instinct MI300X OAM", "MI300X"),
        ("AMD Instinct MI300X HF", "MI300X HF"),
        ("AMD Instinct Mi325X VF", "MI325X"),
        ("AMD MI350X", "MI350X"),
        ("AMD Instinct™ MI355X", "MI355X"),
        ("AMD Instinct™ MI300X-O", "MI300X"),
        ("AMD Radeon AI PRO R9700", "R9700"),
        ("AMD Instinct(TM) MI300X", "MI300X"),
        ("Aldebaran/MI200 [Instinct MI210]", "MI210"),
        ("Advanced Micro Devices, Inc. [AMD/ATI] Aqua Vanjaram [Instinct MI300X]", "MI300X"),
    ):
        row = devices.named(name)
        assert row is not None
        assert row.model == model
    for name in ("AMD Instinct MI300XYZ", "Navi 31 [Radeon Pro W7900]", "AMD Radeon Graphics", "™"):
        assert devices.named(name) is None


def test_code_holds_no_names_of_gpus() -> None:
    """Not as a value: a name in a docstring is an example."""
    package = Path(devices.__file__).parents[1]
    names = {name for row in devices.devices() for name in (row.model, row.name) if name}
    names |= {row.gfx for row in devices.devices() if row.gfx}
    # Owed: what pretends to be a GPU within the engine's interpreter has rows of its own.
    exact = package / "core/adapters/vllm"
    for path in package.rglob("*.py"):
        if path in (exact / "exact.py", exact / "oracle/machine.py"):
            continue
        found = {
            each.value
            for each in ast.walk(ast.parse(path.read_text()))
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }
        assert not found & names, path


MADE_UP = """
[[device]]
ids = ["0x74a1", "0x76a0"]
model = "MI355X"
source = "made up"
vram_gib = 1
recipes = "MI355X"
"""


def test_a_row_of_ones_own_takes_the_place_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(MADE_UP)
    monkeypatch.setenv("AIM_DEVICES_PATH", str(path))
    (row,) = [row for row in devices.devices() if row.model == "MI355X"]
    assert devices.device("0x74A1") is devices.device("0x76a0") is row
    assert devices.device("0x75a3") is None
    assert devices.device("0x74b5") is devices.kinds()["MI300X"]
    assert list(devices.kinds()).count("MI355X") == 1


@pytest.mark.parametrize(
    "text", ["[[device]]\n", "device = 1", MADE_UP + "colour = 1", "\udcff", None]
)
def test_a_table_that_is_none_is_named(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.toml"
    if text is not None:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    monkeypatch.setenv("AIM_DEVICES_PATH", str(path))
    with pytest.raises(BadUsage, match=r"own\.toml is no table of GPUs") as caught:
        devices.devices()
    assert "AIM_DEVICES_PATH" in caught.value.hint


def test_a_model_is_found_as_somebody_types_it() -> None:
    for word, model in (
        ("rx 7900-xtx", "RX 7900 XTX"),
        ("H100-80GB", "H100"),
        ("mi300a", "MI300A"),
    ):
        row = devices.typed(word)
        assert row is not None
        assert row.model == model
    assert devices.typed("") is devices.typed("-") is None


def test_what_it_computes_in_follows_from_its_units() -> None:
    known = devices.kinds()
    assert known["MI250X"].precisions == ("bf16", "fp16", "int8", "int4")
    assert known["MI250X"].emulated == ("mxfp4",)
    assert known["MI300X"].precisions == ("bf16", "fp16", "fp8", "int8", "int4")
    assert known["MI300X"].emulated == ("mxfp8", "mxfp4")
    mx = ("bf16", "fp16", "fp8", "mxfp8", "int8", "mxfp6", "mxfp4", "int4")
    assert (known["MI355X"].precisions, known["MI355X"].emulated) == (mx, ())
    assert devices.computes_fp8("gfx942")
    assert not devices.computes_fp8("gfx90a")


def test_every_kind_has_what_its_recipes_are_derived_from() -> None:
    known = devices.kinds()
    for row in known.values():
        assert row.gfx
        assert row.reported_bytes
        assert row.aiter is not None
        assert row.like is None or row.like in known
    for row in devices.devices():
        assert row.recipes is None or row.recipes in known
