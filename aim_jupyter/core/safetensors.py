"""The heads of safetensors files on disk: what tensors they hold, without reading one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

#: The longest header that the format allows, in bytes (safetensors' own limit).
MOST_HEADER = 100_000_000
_LENGTH = 8  # bytes, little-endian, before the header


class Header(NamedTuple):
    """What a file says of itself.

    Attributes
    ----------
    tensors : dict
        Each entry by its name, as it is: not checked.
    begin, size : int
        Bytes before the first tensor's, and of the whole file.
    """

    tensors: dict[str, dict[str, Any]]
    begin: int
    size: int


def weights(folder: Path) -> list[Path]:
    """Return the safetensors files of a folder that an engine loads, by name.

    Copies in one piece (``consolidated``) lie beside shards with an index, and are not loaded.
    """
    found = sorted(folder.glob("*.safetensors"))
    if (folder / "model.safetensors.index.json").is_file():
        return [path for path in found if not path.name.startswith("consolidated")]
    return found


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
        length = int.from_bytes(file.read(_LENGTH), "little")
        if size < _LENGTH or length > min(size - _LENGTH, MOST_HEADER):
            short = f"only {size:,} bytes, its header alone is longer"
            raise ValueError(short if size else "it is empty")
        content = file.read(length)
    try:
        entries = msgspec.json.decode(content, type=dict[str, dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("its header is no safetensors header") from error
    entries.pop("__metadata__", None)
    return Header(entries, _LENGTH + length, size)
