"""Two lists of the same GPUs, put together."""

from __future__ import annotations

from aim_jupyter.core.gpus.tools import merging
from aim_jupyter.core.records import Gpu


def test_lists_are_joined_by_what_names_a_device() -> None:
    first = (Gpu(gpu_id=1, gfx="a"), Gpu(gpu_id=2), Gpu(pci_bdf="0000:0c:00.1", partition_index=1))
    second = (
        Gpu(pci_bdf="0000:0c:00.1", partition_index=1, cu_count=3),
        Gpu(gpu_id=2, cu_count=2),
        Gpu(gpu_id=1, gfx="b", cu_count=1),
    )
    joined = merging.joined(first, second)
    assert [gpu.cu_count for gpu in joined] == [1, 2, 3]
    assert joined[0].gfx == "a"
    # all partitions of a GPU share the unique id, so it names none of them
    twins = (Gpu(unique_id_hex="a", cu_count=1), Gpu(unique_id_hex="a", cu_count=2))
    assert merging.partner(Gpu(unique_id_hex="a"), twins) is None
    assert merging.joined((), first) == first
    assert merging.joined(first, ()) == first


def test_without_any_name_two_lists_of_one_length_go_by_position() -> None:
    first, second = (Gpu(gfx="a"), Gpu(gfx="b")), (Gpu(cu_count=1), Gpu(cu_count=2))
    assert [gpu.cu_count for gpu in merging.joined(first, second)] == [1, 2]
    assert [gpu.cu_count for gpu in merging.joined(first, second[:1])] == [None, None]


def test_only_what_is_not_known_is_taken_and_never_who_said_it() -> None:
    ours = Gpu(gpu_id=1, source="kfd", busy_pct=0)
    theirs = Gpu(gpu_id=1, source="amd-smi", busy_pct=50, power_w=100)
    filled = merging.filled(ours, theirs)
    assert (filled.busy_pct, filled.power_w, filled.source) == (0, 100, "kfd")
