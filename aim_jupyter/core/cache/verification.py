"""Whether the files of a model are what the Hub has promised.

In the Hub's layout each blob is named by the hash of its content, so nobody has to be asked. For a
folder of plain files the hashes are those that `huggingface_hub` noted beside them, else the Hub's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import files
from aim_jupyter.core.cache import hashing, index, locating, soundness
from aim_jupyter.core.cache.index import Entry
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import CachedModel
from aim_jupyter.core.sizes import GIB

#: Hashing keeps a core busy; more than two at a time only wait for the disk.
_WORKERS = 2
_NOTES = Path(".cache", "huggingface", "download")


class Verification(Struct, frozen=True, kw_only=True):
    """What was found of one model.

    Attributes
    ----------
    checked, unknown : int
        Files that were compared, and files of which nobody knows what they should be.
    damaged : tuple of str
        Files that are not what they should be, or that no engine could load.
    missing : tuple of str
        Files that are not there.
    """

    model: str
    checked: int
    unknown: int
    damaged: tuple[str, ...]
    missing: tuple[str, ...]
    size_bytes: int
    took_s: float


def verify(model: CachedModel, say: Callable[[str], None]) -> Verification:
    """Read all files of a model's revision through, note what was found, and return it.

    Raises
    ------
    StateUnusable
        If a file can't be read.
    """
    folder = Path(model.path or model.folder)
    began = time.monotonic()
    named = list(_named(folder))
    size = sum(file.stat().st_size for _, file, _ in named)
    say(f"{model.model}: reading {size / GIB:.1f} GiB")
    try:
        with ThreadPoolExecutor(_WORKERS) as pool:
            right = list(pool.map(lambda one: hashing.matches(one[1], one[2]), named))
    except OSError as error:
        raise StateUnusable(
            f"{error.filename or folder} can't be read: {error.strerror}.", "look who owns it"
        ) from error
    wrong = [name for (name, _, _), so in zip(named, right, strict=True) if so is False]
    # What came as it was promised, too, is to be what an engine can load.
    flawed = soundness.flawed(folder) if model.kind == "model" else {}
    damaged = (*wrong, *(name for name in flawed if name not in wrong))
    unknown = sum(so is None for so in right)
    found = Verification(
        model=model.model,
        checked=len(named) - unknown,
        unknown=unknown,
        damaged=damaged,
        missing=_missing(folder),
        size_bytes=size,
        took_s=time.monotonic() - began,
    )
    if damaged or not unknown:
        index.change(model.folder, lambda entry: _noted(entry, model.revision or "", damaged))
    return found


def _missing(folder: Path) -> tuple[str, ...]:
    return locating.missing_files(folder) if locating.other_kind(folder) is None else ()


def _noted(entry: Entry, commit: str, damaged: tuple[str, ...]) -> Entry:
    verified = {name: at for name, at in entry.verified.items() if name != commit}
    if not damaged:
        verified[commit] = time.time()
    return replace(entry, verified=verified, damaged=damaged)


def _named(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield each file that is there: its name, where its bytes are, and what names them."""
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted(names):
            file = Path(path, name)
            relative = str(file.relative_to(folder))
            if file.is_symlink() and file.exists():
                blob = Path(os.path.normpath(file.parent / file.readlink()))
                yield relative, file, blob.name
            elif file.is_file():
                yield relative, file, _note(folder, relative)


def _note(folder: Path, name: str) -> str:
    """Return what `huggingface_hub` has noted as the ETag of a plain file, empty if nothing."""
    try:
        note = files.read_bounded(folder / _NOTES / f"{name}.metadata", files.MOST_NOTE)
        lines = note.decode().splitlines()
    except (OSError, ValueError):
        return ""
    return lines[1].strip() if len(lines) > 1 else ""
