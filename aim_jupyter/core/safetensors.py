"""The heads of safetensors files on disk: what tensors they hold, without reading one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from aim_jupyter.core.records.kinds import resolved

#: Bytes of the longest header that is read. The format allows 100 MB, which would take 500 MB here;
#: all 92,000 tensors of DeepSeek-V3 in one file would have 10 MB.
MOST_HEADER = 16_000_000
#: And of the longest index: one of 210,000 tensors has 23 MB.
MOST_INDEX = 24 << 20
LENGTH = 8  # bytes, little-endian, before the header


class _Index(msgspec.Struct):
    weight_map: dict[str, str]


_INDEX = msgspec.json.Decoder(_Index)


class Entry(msgspec.Struct, gc=False):
    """What a header says of one tensor, as it is: not checked."""

    dtype: Any = None
    shape: Any = None
    data_offsets: Any = None


_DECODER = msgspec.json.Decoder(resolved(dict[str, Entry]))


class Header(NamedTuple):
    """What a file says of itself.

    Attributes
    ----------
    tensors : dict
        Each entry by its name.
    begin, size : int
        Bytes before the first tensor's, and of the whole file.
    """

    tensors: dict[str, Entry]
    begin: int
    size: int


def weights(folder: Path) -> list[Path]:
    """Return the safetensors files of a folder that an engine loads, by name.

    As vLLM does: those of Mistral's own format (``consolidated``) where there are any, else all;
    of several, those that their index names.
    """
    found = sorted(folder.glob("*.safetensors"))
    own = [path for path in found if path.name.startswith("consolidated")]
    named = indexed(folder / f"{'consolidated' if own else 'model'}.safetensors.index.json")
    return [path for path in own or found if not named or path.name in named]


def indexed(index: Path) -> frozenset[str]:
    """Return the files that an index of weights names, none where it can't be read."""
    wrong = (OSError, ValueError, RecursionError)
    with contextlib.suppress(*wrong), index.open("rb") as file:
        return frozenset(_INDEX.decode(file.read(MOST_INDEX)).weight_map.values())
    return frozenset()


def header(path: Path) -> Header:
    """Return the head of a file.

    Raises
    ------
    OSError
        If it can't be read.
    ValueError
        If it is cut within its header, or that is none; says so in words.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(LENGTH), "little")
        if MOST_HEADER < length <= size - LENGTH:
            raise ValueError(f"its header has {length:,} bytes, and {MOST_HEADER:,} are read")
        if size < LENGTH or length > size - LENGTH:
            short = f"only {size:,} bytes, its header alone is longer"
            raise ValueError(short if size else "it is empty")
        return Header(decoded(file.read(length)), LENGTH + length, size)


def decoded(content: bytes) -> dict[str, Entry]:
    """Return the entries of a header, which is `content`.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        entries = _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("its header is no safetensors header") from error
    entries.pop("__metadata__", None)
    return entries
