"""Addresses as the bus and KFD write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.gpus import pci


@given(st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7))
def test_what_is_written_is_read_again(domain: int, bus: int, device: int, function: int) -> None:
    address = pci.Address(domain, bus, device, function)
    assert pci.parse(str(address).upper()) == address
    location = bus << 8 | device << 3 | function
    if bus or device:
        assert pci.from_location(location, domain) == address


@pytest.mark.parametrize("text", [None, "", "0c:00.0", "0000:0c:00.8", "0000:0c:20.0", "x"])
def test_what_is_no_address_is_none(text: str | None) -> None:
    assert pci.parse(text) is None


def test_newer_stacks_have_the_partition_in_the_upper_bits() -> None:
    assert str(pci.from_location(3 << 28 | 0x0C00, 0)) == "0000:0c:00.3"


@pytest.mark.parametrize("location", [None, 0, -1, 7, 0x00010C00, 8 << 28 | 0x0C00, 1 << 40])
def test_a_damaged_number_is_no_address(location: int | None) -> None:
    assert pci.from_location(location, 0) is None
