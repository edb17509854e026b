"""The interpreters that may have an engine: found without starting any."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import adapters, config
from aim_jupyter.core.engines import interpreters
from aim_jupyter.core.records.engine import EngineSource

# Where images that carry vLLM keep their interpreter: vllm/vllm-openai-rocm has it in Debian's
# place, rocm/vllm in a virtual environment, older images in conda's (unverified on AMD hardware).
CONTAINER_PYTHONS = (
    Path("/opt/venv/bin/python"),
    Path("/usr/bin/python3"),
    Path("/opt/conda/bin/python"),
)


class Candidate(Struct, frozen=True, kw_only=True):
    """An interpreter that may have an engine, not asked yet."""

    name: str
    python: Path
    source: EngineSource


def all_of_them() -> Iterator[Candidate]:
    """Yield every candidate in order of preference; the same interpreter may come twice."""
    chosen = config.engine_python()
    if chosen is not None:
        yield Candidate(name="variable", python=chosen, source="variable")
    yield from managed()
    if sys.executable:
        yield Candidate(name="notebook", python=Path(sys.executable), source="notebook")
    yield from containers()


def managed() -> list[Candidate]:
    """Return the environments that this tool made, the newest engine first."""
    folders: list[Path] = []
    with contextlib.suppress(OSError):
        folders = [
            folder
            for folder in config.engines_dir().iterdir()
            if not folder.name.startswith(".") and (folder / "bin").is_dir()
        ]
    folders.sort(key=lambda folder: (interpreters.engine_version(folder), folder.name))
    return [
        Candidate(name=folder.name, python=folder / "bin/python", source="managed")
        for folder in reversed(folders)
    ]


def containers() -> list[Candidate]:
    """Return the interpreters in well-known places that have an engine beside them."""
    pythons = [
        python
        for python in CONTAINER_PYTHONS
        if python.exists() and interpreters.engine_dist(interpreters.prefix(python))
    ]
    return [
        Candidate(
            name=f"container-{at}" if at > 1 else "container", python=python, source="container"
        )
        for at, python in enumerate(pythons, start=1)
    ]


def notebook_has_engine() -> bool:
    """Return whether this interpreter could import an engine, without doing so."""
    return any(map(adapters.is_installed, adapters.known()))
