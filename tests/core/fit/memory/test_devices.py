"""GPUs by name, for a machine that is only spoken of."""

from __future__ import annotations

import pytest

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.fit.memory.devices import device
from aim_jupyter.core.sizes import GIB
from tests.core.fit.conftest import ask


def test_a_machine_that_nobody_knows_names_its_neighbours() -> None:
    with pytest.raises(UnknownName, match="mi300x"):
        ask(machine="mi300z:8")


def test_a_machine_is_a_name_and_a_number() -> None:
    eight, one = device("mi300x:8"), device("MI300X")
    assert (eight.count, one.count) == (8, 1)
    assert eight.total_bytes == one.total_bytes > 180 * GIB
    assert (one.family, one.gfx) == ("rocm", "gfx942")


@pytest.mark.parametrize(
    "machine", ["mi300x:0", "mi300x:many", "mi300x:-1", "mi300x:5000", "mi300x:1:2"]
)
def test_a_number_that_is_none_is_told(machine: str) -> None:
    with pytest.raises(BadUsage, match="does not end in a number of GPUs"):
        device(machine)


@pytest.mark.parametrize(
    ("said", "model", "count"),
    [
        ("mi300x:8", "MI300X", 8),
        ("AMD Instinct™ MI355X:4", "MI355X", 4),
        ("AMD Radeon AI PRO R9700", "R9700", 1),
        ("AMD MI350X", "MI350X", 1),
    ],
)
def test_a_name_as_it_is_typed_or_printed(said: str, model: str, count: int) -> None:
    found = device(said)
    assert (found.model, found.count) == (model, count)
