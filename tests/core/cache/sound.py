"""A model's folder as an engine would load it, to be broken in one way at a time."""

from __future__ import annotations

import json
from pathlib import Path

from aim_jupyter import demo


def sound_model(folder: Path) -> Path:
    """Make the demo's files again in `folder` and return it."""
    folder.mkdir(parents=True)
    for file in demo.FOLDER.iterdir():
        if file.suffix in (".json", ".jinja", ".safetensors"):
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def safetensors(*, begin: int = 0, end: int = 8, data: int = 8, extra: str = "") -> bytes:
    """Return a file of one tensor, whose header says what is given."""
    entry = {"dtype": "U8", "shape": [8], "data_offsets": [begin, end]}
    header = (json.dumps({"__metadata__": {"a": "b"}, "x": entry}) + extra).encode()
    return len(header).to_bytes(8, "little") + header + bytes(data)
