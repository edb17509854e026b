"""A machine with AMD GPUs that is not here."""

from __future__ import annotations

import pytest

from aim_jupyter.core.adapters.vllm.oracle import machine
from aim_jupyter.core.adapters.vllm.oracle.machine import COUNT, Gpu, Idle

GPU = Gpu("gfx950", 288 << 30, "0x75a0", "AMD Instinct MI350X", 256)


def test_its_driver_says_what_the_table_says() -> None:
    amdsmi = machine._amdsmi(GPU)
    amdsmi.amdsmi_init()
    handles = amdsmi.amdsmi_get_processor_handles()
    assert len(handles) == COUNT
    about = amdsmi.amdsmi_get_gpu_asic_info(handles[0])
    assert about["target_graphics_version"] == "gfx950"
    assert (about["device_id"], about["market_name"]) == ("0x75a0", "AMD Instinct MI350X")
    assert amdsmi.amdsmi_get_gpu_memory_total(handles[0], 0) == 288 << 30
    assert len({amdsmi.amdsmi_get_gpu_device_uuid(handle) for handle in handles}) == COUNT


def test_its_errors_can_be_caught() -> None:
    amdsmi = machine._amdsmi(GPU)
    with pytest.raises(amdsmi.AmdSmiException):
        raise amdsmi.AmdSmiException


def test_whatever_is_asked_of_a_stream_nothing_happens() -> None:
    assert Idle(1, priority=2).synchronize() is None
    assert Idle().record(Idle()) is None
