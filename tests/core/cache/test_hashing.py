"""A blob is what its name promises."""

import hashlib
import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.cache import hashing


@given(st.binary(max_size=300))
def test_both_kinds_of_names(data: bytes) -> None:
    git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    for name in (hashlib.sha256(data).hexdigest(), git):
        assert hashing.is_of(io.BytesIO(data), name, len(data))
        assert not hashing.is_of(io.BytesIO(data + b"x"), name, len(data))


@given(st.binary(min_size=1, max_size=300), st.integers(1, 200), st.integers(1, 50))
def test_the_names_of_s3(data: bytes, part: int, step: int) -> None:
    whole = hashlib.md5(data).hexdigest()
    parts = [data[at : at + part] for at in range(0, len(data), part)]
    joined = hashlib.md5(b"".join(hashlib.md5(each).digest() for each in parts)).hexdigest()
    for name in (whole, f"{joined}-{len(parts)}-{part}"):
        assert hashing.is_of(io.BytesIO(data), name, len(data))
        assert not hashing.is_of(io.BytesIO(data + b"x"), name, len(data))
        made = hashing.hasher(name, len(data))
        assert made is not None
        for at in range(0, len(data), step):
            made.update(data[at : at + step])
        assert made.hexdigest() == name


def test_a_name_that_is_no_hash_promises_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(b"{}")
    assert hashing.matches(file, "config.json") is None
    assert not hashing.is_of(io.BytesIO(b"{}"), "config.json", 2)
    assert hashing.matches(file, hashlib.sha256(b"{}").hexdigest()) is True
    assert hashing.matches(file, "0" * 40) is False


def test_looking_is_not_using(tmp_path: Path) -> None:
    file = tmp_path / "blob"
    file.write_bytes(b"x")
    before = file.stat().st_atime_ns
    hashing.matches(file, "0" * 64)
    assert file.stat().st_atime_ns == before


@given(st.lists(st.integers(0, 3 << 19), max_size=6), st.binary(min_size=1, max_size=7))
def test_beside_is_the_same_hash(sizes: list[int], seed: bytes) -> None:
    blocks = [(seed * (size // len(seed) + 1))[:size] for size in sizes]
    made = hashing.Beside(hashlib.sha256())
    for block in blocks:
        made.update(block)
    assert made.hexdigest() == hashlib.sha256(b"".join(blocks)).hexdigest()
