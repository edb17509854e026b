"""What is left of a partition is what nobody has, on nodes that are up."""

from __future__ import annotations

from aim_jupyter.core.records import Partition


def test_free_gpus() -> None:
    part = Partition(name="gpu", state="free", gpus_total=12, gpus_used=3, gpus_down=4)
    assert part.gpus_free == 5
