"""Which nodes HIP counts, and in which order."""

import pytest

from aim_jupyter.core.gpus import topology
from aim_jupyter.core.gpus.tree import Reader

from . import trees
from .trees import MemoryTree


@pytest.mark.parametrize(
    ("version", "name"),
    [(90402, "gfx942"), (90010, "gfx90a"), (110501, "gfx1151"), (120001, "gfx1201")],
)
def test_stepping_is_hexadecimal(version: int, name: str) -> None:
    assert topology.gfx_name(version) == name


@pytest.mark.parametrize("version", [None, 0, 1_000_000])
def test_what_can_not_be_is_none(version: int | None) -> None:
    assert topology.gfx_name(version) is None


def test_nodes_come_in_the_order_of_their_numbers_without_the_processors() -> None:
    found = topology.read(Reader(MemoryTree(trees.mi300x(8, 2))))
    # As words, node 10 would come before node 2.
    assert [node.index for node in found.nodes] == list(range(2, 18))
    assert found.present
    assert {node.gfx for node in found.nodes} == {"gfx942"}


def test_without_a_driver_there_is_no_topology() -> None:
    assert topology.read(Reader(MemoryTree({}))) == topology.Topology(present=False)
