"""GPUs in words."""

from msgspec.structs import replace

from aim_jupyter.core.records import Gpu, Machine
from aim_jupyter.core.sizes import GIB
from aim_jupyter.render import devices

FREE = Gpu(model="MI300X", vram_bytes=192 * GIB, vram_used_bytes=GIB, hip_index=0, state="free")


def test_a_machine_in_a_few_words() -> None:
    node = Machine(host="n", gpus=(FREE, replace(FREE, hip_index=1)))
    assert devices.describe(node, times="x") == "2 x MI300X, 192.0 GiB each"
    assert devices.describe(node, memory=False, times="x") == "2 x MI300X"
    assert devices.describe(Machine(host="n")) == "no GPU"
    mixed = Machine(host="n", gpus=(FREE, Gpu(name="AMD Instinct MI999"), Gpu()))
    told = devices.describe(mixed, times="x")
    assert told == "1 x MI300X, 1 x AMD Instinct MI999, 1 x AMD GPU"


def test_free_ones_are_always_told_and_states_in_one_order() -> None:
    busy, hidden = replace(FREE, state="busy"), replace(FREE, state="hidden")
    assert devices.counts(Machine(host="n", gpus=(hidden, busy))) == [
        "0 free", "1 busy", "1 hidden",
    ]  # fmt: skip


def test_whose_it_is() -> None:
    mine = replace(FREE, state="busy", holder="alice", server="a")
    assert (devices.holder(mine, "alice"), devices.holder(mine, "bob")) == ("you", "alice")
    assert (devices.who(mine, None), devices.who(FREE, None)) == ("alice", "free")
    assert devices.who(Gpu(), "alice") == "unknown"
    assert (devices.held_for(mine), devices.held_for(Gpu(pid=7)), devices.held_for(Gpu())) == (
        "a", "pid 7", "",
    )  # fmt: skip
    assert devices.unleased(mine)
    assert not devices.unleased(replace(mine, lease_age_s=1.0))


def test_names_for_sentences() -> None:
    some = [replace(FREE, hip_index=number) for number in (0, 1, 2, 8)]
    assert devices.names(some) == "GPU 0-2 and 8"
    other = Gpu(pci_bdf="0000:0c:00.0")
    assert devices.names([other]) == "0000:0c:00.0"
    assert devices.names([Gpu()]) == "A GPU"
    assert devices.ordinal(other) == "\u2013"
    assert devices.label(FREE, None) == "GPU 0: 1.0 of 192.0 GiB used, free"
    assert devices.label(replace(FREE, state="hidden"), None) == "GPU 0: 192.0 GiB, hidden"
