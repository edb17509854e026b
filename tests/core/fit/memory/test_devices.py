"""GPUs by name, of a machine that is only spoken of."""

from __future__ import annotations

import pytest

from aim_jupyter.core import fit
from aim_jupyter.core.errors import BadUsage, UnknownName


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
    found = fit.device(said)
    assert (found.model, found.count) == (model, count)


def test_what_is_no_gpu_is_said() -> None:
    with pytest.raises(UnknownName):
        fit.device("mi999")
    with pytest.raises(BadUsage, match="does not end in a number"):
        fit.device("mi300x:many")
