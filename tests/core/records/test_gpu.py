"""What a lease calls a device."""

from aim_jupyter.core.records import Gpu


def test_partitions_of_one_gpu_have_keys_of_their_own() -> None:
    assert Gpu(pci_bdf="0000:0c:00.0").key == "0000:0c:00.0-0"
    # KFD counts partitions in the function bits: the physical GPU is function 0.
    assert Gpu(pci_bdf="0000:0c:00.3", partition_index=3).key == "0000:0c:00.0-3"
    assert Gpu(hip_index=0).key is None
