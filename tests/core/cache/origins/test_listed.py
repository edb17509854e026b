"""Lists of hashes, as people write them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.cache.origins.listed import each, manifest


def test_what_sha256sum_writes_is_read() -> None:
    text = f"{'a' * 64}  config.json\n{'b' * 64} *./sub/x.json\r\n# said\n{'C' * 64}  y\nz\n"
    assert manifest(text.encode()) == {"config.json": "a" * 64, "sub/x.json": "b" * 64}


@given(st.binary(max_size=400))
def test_anything_else_is_left_out(text: bytes) -> None:
    assert all(len(digest) == 64 for digest in manifest(text).values())


def test_each_is_asked_in_order() -> None:
    assert list(each(lambda number: number * 2, range(100))) == list(range(0, 200, 2))
