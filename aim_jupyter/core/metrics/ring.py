"""A file of the latest records of fixed size, written by one process and read by any.

A record is a row of doubles with a checksum before it; the newest one takes the place of the oldest
once the file is full. Layout, all little-endian, in words of eight bytes::

    magic | records written so far | record width | capacity | length of the header | header (JSON)
    then `capacity` times: checksum | `width` doubles

A record is written first and counted after, so a reader never comes upon one that is half written:
what a SIGKILL cut short is not counted, and the next writer writes over it. What a crash of the
machine damaged fails its checksum and is left out. Nothing is ever moved, so that a reader needs no
lock; where the writer has overtaken it, the checksum fails too, for it holds the record's number.

Why not SQLite: its journal needs locks, which home directories over NFS lack, and its pages, 100
columns wide, are slower to read than this by two orders of magnitude. Why not lines of JSON: what
grows has to be cut, and cutting is what crashes. Why doubles throughout: counters beyond 16 million
are no floats, and one type lets a reader take a column without looking at a record.
"""

from __future__ import annotations

import contextlib
import math
import os
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from aim_jupyter.core import files

_MAGIC = b"aimring1"
_WORD = 8
_HEAD = struct.Struct("<8s4Q")
_COUNT = struct.Struct("<Q")
#: A checksum begins with so many bits of the record's number.
_LOW = 0xFFFFFFFF
#: A header or record beyond this is damage, not data.
_MOST_WIDTH, _MOST_RECORDS, _LONGEST_HEADER = 4096, 1 << 20, 1 << 16


class Rows(NamedTuple):
    """Records in the order in which they were written, one after the other.

    Attributes
    ----------
    width : int
        Words of one record, the checksum (a word without meaning here) first.
    words : array of float
    """

    width: int
    words: array[float]

    def __iter__(self) -> Iterator[Any]:
        """Yield each record without its checksum."""
        for start in range(0, len(self.words), self.width):
            yield self.words[start + 1 : start + self.width]

    def column(self, position: int) -> array[float]:
        """Return one figure of all records."""
        return self.words[position + 1 :: self.width]


class Ring:
    """A ring file that is open; close it, or use it in a ``with``.

    Parameters
    ----------
    path : Path
    write : bool
        Whether `append` will be called.

    Raises
    ------
    OSError
        If it can't be opened.
    ValueError
        If it is no ring file, or is damaged beyond use.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        mode = os.O_RDWR if write else os.O_RDONLY
        self._file = os.open(path, mode | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self._read_head()
        except BaseException:
            os.close(self._file)
            raise

    def _read_head(self) -> None:
        head = os.pread(self._file, _HEAD.size, 0)
        if len(head) < _HEAD.size or not head.startswith(_MAGIC):
            raise ValueError("no ring file")
        sizes: tuple[int, int, int] = _HEAD.unpack(head)[2:]
        self.width, self.capacity, length = sizes
        sane = 0 < self.width <= _MOST_WIDTH and 0 < self.capacity <= _MOST_RECORDS
        if not sane or length > _LONGEST_HEADER:
            raise ValueError("a damaged ring file")
        self.header = os.pread(self._file, length, _HEAD.size)
        self._start = _aligned(_HEAD.size + length)
        self._size = (1 + self.width) * _WORD

    @property
    def written(self) -> int:
        """How many records were written so far, also those that are gone."""
        (count,) = _COUNT.unpack(os.pread(self._file, _WORD, _WORD) or bytes(_WORD))
        return int(count)

    def __len__(self) -> int:
        return min(self.written, self.capacity)

    def append(self, record: Sequence[float]) -> None:
        """Write one record; the oldest gives way where there is no more room.

        Raises
        ------
        OSError
            If it can't be written; the file then holds what it held before.
        """
        count = self.written
        body = struct.pack(f"<{self.width}d", *record)
        data = _checksum(count, body) + body
        if os.pwrite(self._file, data, self._offset(count)) != len(data):
            raise OSError("the disk is full")
        os.pwrite(self._file, _COUNT.pack(count + 1), _WORD)

    def rows(self, first: int = 0, end: int | None = None) -> Rows:
        """Return the records from number `first` to before `end` that are there and whole."""
        count = self.written if end is None else min(end, self.written)
        first = max(first, count - self.capacity, 0)
        data = b"".join(self._stretches(first, count))
        data = data[: len(data) // self._size * self._size]
        whole = self._whole(first, data)
        if len(whole) * self._size != len(data):
            data = b"".join(data[start : start + self._size] for start in whole)
        words = _native(array("d", data))
        return Rows(1 + self.width, words)

    def _whole(self, first: int, data: bytes) -> list[int]:
        """Return where the records are that agree with their checksums; none is copied for it."""
        view, size = memoryview(data), self._size
        sums = _native(array("Q", view.cast("Q")[:: 1 + self.width].tobytes()))
        return [
            start
            for number, (start, checksum) in enumerate(
                zip(range(0, len(data), size), sums, strict=True), first
            )
            if zlib.crc32(view[start + _WORD : start + size], number & _LOW) == checksum
        ]

    def since(self, at: float) -> int:
        """Return the number of the first record whose first figure is not before `at`.

        They are looked through by halves: the first figure has to be a time.
        """
        count = self.written
        low, high = max(0, count - self.capacity), count
        while low < high:
            middle = (low + high) // 2
            if self._time(middle) < at:
                low = middle + 1
            else:
                high = middle
        return low

    def _time(self, number: int) -> float:
        word = os.pread(self._file, _WORD, self._offset(number) + _WORD)
        # One that is damaged is taken for old: the search then ends a little later.
        at = struct.unpack("<d", word)[0] if len(word) == _WORD else -math.inf
        return at if math.isfinite(at) else -math.inf

    def _stretches(self, first: int, count: int) -> Iterator[bytes]:
        """Yield the records from `first` to before `count`: two pieces where the ring closes."""
        while first < count:
            end = min(count, first + self.capacity - first % self.capacity)
            yield os.pread(self._file, (end - first) * self._size, self._offset(first))
            first = end

    def _offset(self, number: int) -> int:
        return self._start + number % self.capacity * self._size

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def create(path: Path, header: object, width: int, capacity: int) -> None:
    """Make an empty ring file, all or nothing.

    Parameters
    ----------
    header : object
        What the figures are: anything that msgspec writes as JSON.

    Raises
    ------
    StateUnusable
        If it can't be written.
    """
    text = msgspec.json.encode(header)
    head = _HEAD.pack(_MAGIC, 0, width, capacity, len(text)) + text
    files.write_atomic(path, head.ljust(_aligned(len(head)), b"\0"))


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Ring | None]:
    """Open a ring file for reading, or give None where there is none that can be read."""
    try:
        ring = Ring(path)
    except (OSError, ValueError):
        yield None
        return
    with ring:
        yield ring


def _aligned(size: int) -> int:
    return -(-size // _WORD) * _WORD


def _native(words: array[Any]) -> array[Any]:
    """Return what was read, in the order of bytes of this machine."""
    if sys.byteorder == "big":
        words.byteswap()
    return words


def _checksum(number: int, body: bytes) -> bytes:
    return _COUNT.pack(zlib.crc32(body, number & _LOW))
