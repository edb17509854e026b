"""A download at one moment, in words."""

from aim_jupyter.core.records import Progress
from aim_jupyter.core.sizes import GIB, MIB


def test_what_is_not_known_is_not_said() -> None:
    bare = Progress(repo="a/b", done_bytes=0)
    assert (bare.share, bare.detail) == (None, "0.0 GiB")


def test_a_whole_sentence_in_the_unit_of_the_whole() -> None:
    large = Progress(
        repo="a/b", done_bytes=3 * GIB, total_bytes=12 * GIB, rate=210.0 * MIB, eta_s=57
    )
    assert large.detail == "3.0 of 12.0 GiB · 210 MiB/s · about 57 s left"
    small = Progress(repo="a/b", done_bytes=MIB, total_bytes=4 * MIB, rate=1.5 * MIB)
    assert small.detail == "1.0 of 4.0 MiB · 1.5 MiB/s"
    assert small.share == 0.25


def test_more_than_the_hub_said_is_all_of_it() -> None:
    assert Progress(repo="a/b", done_bytes=5, total_bytes=4).share == 1.0
