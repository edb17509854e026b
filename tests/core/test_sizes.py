"""Memory in words."""

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.sizes import GIB, MIB, amount


def test_what_is_less_than_a_tenth_is_told_in_the_smaller_unit() -> None:
    assert (amount(GIB), amount(GIB / 8), amount(GIB / 16)) == ("1.0 GiB", "0.1 GiB", "64.0 MiB")
    assert amount(0) == "0.0 GiB"


@given(st.integers(MIB, 1 << 50))
def test_what_is_there_is_never_called_nothing(size: int) -> None:
    assert not amount(size).startswith("0.0 ")
