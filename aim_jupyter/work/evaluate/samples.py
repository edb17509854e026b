"""The samples of an evaluation on disk: a line each beside its run."""

from __future__ import annotations

from typing import Any

import msgspec

from aim_jupyter.work.runs import RunFolder

FILE = "samples.jsonl"


def samples(folder: RunFolder) -> list[dict[str, Any]]:
    """Return what an evaluation has asked, sample by sample."""
    try:
        lines = (folder.path / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [msgspec.json.decode(line) for line in lines]
