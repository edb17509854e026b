"""Machines that are not there: what they list, and what is no machine."""

from __future__ import annotations

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.gpus import simulated
from aim_jupyter.core.sizes import GIB

RESERVE = 16 << 20


@pytest.mark.parametrize(
    ("spec", "count", "model", "gfx", "mode", "first", "last"),
    [
        ("mi300x:8", 8, "MI300X", "gfx942", ("SPX", "NPS1"), 206141652992, 206141652992),
        ("MI300X", 1, "MI300X", "gfx942", ("SPX", "NPS1"), 206141652992, 206141652992),
        (
            "mi300x:8:cpx-nps4",
            64,
            "MI300X",
            "gfx942",
            ("CPX", "NPS4"),
            24 * GIB,
            24 * GIB - RESERVE // 2,
        ),
        (
            "mi300x:1:cpx-nps1",
            8,
            "MI300X",
            "gfx942",
            ("CPX", "NPS1"),
            206141652992 // 8,
            206141652992 // 8,
        ),
        ("mi300x:1:dpx-nps2", 2, "MI300X", "gfx942", ("DPX", "NPS2"), 96 * GIB, 96 * GIB - RESERVE),
        # the captured MI308X: 48 GiB each, the last one 16 MiB less
        (
            "mi308x:8:cpx-nps4",
            32,
            "MI308X",
            "gfx942",
            ("CPX", "NPS4"),
            51539607552,
            51522830336,
        ),
        ("mi250x:4", 8, "MI250X", "gfx90a", (None, None), 68702699520, 68702699520),
        ("mi355x:8", 8, "MI355X", "gfx950", ("SPX", "NPS1"), 309220868096, 309220868096),
        ("mi350x:1", 1, "MI350X", "gfx950", ("SPX", "NPS1"), 288 * GIB - RESERVE, 309220868096),
        ("mi300a:4", 4, "MI300A", "gfx942", ("SPX", "NPS1"), 134972702720, 134972702720),
        ("rx7900xtx:2", 2, "RX 7900 XTX", "gfx1100", (None, None), 25753026560, 25753026560),
    ],
)
def test_what_a_simulated_machine_lists(
    *,
    spec: str,
    count: int,
    model: str,
    gfx: str,
    mode: tuple[str | None, str | None],
    first: int,
    last: int,
) -> None:
    machine = gpus.machine(spec)
    assert machine.simulated
    found = machine.gpus
    assert len(found) == count
    assert {(gpu.model, gpu.gfx) for gpu in found} == {(model, gfx)}
    assert {(gpu.compute_partition, gpu.memory_partition) for gpu in found} == {mode}
    assert (found[0].vram_bytes, found[-1].vram_bytes) == (first, last)
    assert [gpu.hip_index for gpu in found] == list(range(count))
    assert len({gpu.key for gpu in found}) == count
    assert {(gpu.state, gpu.usable, gpu.source) for gpu in found} == {("free", True, "simulated")}


@pytest.mark.parametrize("spec", ["none", "cpu", " CPU "])
def test_a_machine_without_gpu(spec: str) -> None:
    machine = gpus.machine(spec)
    assert machine.simulated
    assert machine.gpus == ()
    assert machine.cpu.cores


@pytest.mark.parametrize(
    "spec",
    ["mi300x:0", "mi300x:-1", "mi300x:999", "mi300x:1e9", "mi300x:²", "mi300x:x", "mi300x:1.5"],
)
def test_a_count_that_is_none(spec: str) -> None:
    with pytest.raises(BadUsage, match="no count"):
        gpus.machine(spec)


@pytest.mark.parametrize(
    "spec", ["mi300x:8:tpx", "mi300x:8:spx-nps4", "mi210:1:spx", "mi300a:4:qpx"]
)
def test_a_mode_that_the_gpu_does_not_have(spec: str) -> None:
    with pytest.raises(BadUsage, match="no mode") as caught:
        gpus.machine(spec)
    assert caught.value.hint.startswith("one of ")


def test_an_unknown_model_names_the_nearest_and_the_known() -> None:
    with pytest.raises(UnknownName) as caught:
        gpus.machine("mi300:8")
    assert {"mi300x", "mi300a"} & set(caught.value.nearest)
    assert "mi355x" in caught.value.hint


def test_every_model_of_the_table_can_be_simulated() -> None:
    for name in simulated.names():
        for gpu in gpus.machine(f"{name}:2").gpus:
            assert gpu.vram_bytes
            assert gpu.gfx
