"""Whether the files of a model are what an engine can load: looked at before a start, not after.

Each check reads heads and sizes only, so that a folder of hundreds of GiB takes a fraction of a
second. What the engine would say of the same fault, half a minute later, stands in facts/vllm.md,
section 2.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.core.cache import locating
from aim_jupyter.core.errors import AimError, ModelMissing

#: The longest header that the format allows, in bytes (safetensors' own limit).
MOST_HEADER = 100_000_000
#: JSON files that an engine reads, where they are there.
_JSON = ("tokenizer.json", "tokenizer_config.json", "generation_config.json")
_PICKLED = re.compile(r".*\.(bin|pt|pth|ckpt)")
_CONSOLIDATED = re.compile(r"consolidated.*\.safetensors")


def faults(folder: Path, *, pickle: bool = False) -> Iterator[AimError]:
    """Yield what is wrong with the model in `folder`, the gravest first; nothing where it is sound.

    Parameters
    ----------
    pickle : bool
        Whether weights may be pickles: those run code while they are loaded.
    """
    # Not `Path.is_dir`: that raises where a name is too long or its folder may not be read.
    if not os.path.isdir(folder):  # noqa: PTH112
        yield ModelMissing(
            f"There is no folder {folder}.",
            "check the path, or give a name: %aim recipes lists the models",
        )
        return
    yield from _config(folder)
    yield from _other_json(folder)
    yield from _weights(folder, pickle=pickle)


def _config(folder: Path) -> Iterator[AimError]:
    file = folder / "config.json"
    facts = _object(file)
    if isinstance(facts, AimError):
        yield facts
    elif not isinstance(facts, dict):
        yield ModelMissing(f"{file} holds no object.", _again(folder))
    elif not facts.get("model_type") and not facts.get("architectures"):
        yield ModelMissing(
            f"{file} says neither model_type nor architectures.",
            "choose a folder that holds a model in the Transformers format",
        )


def _other_json(folder: Path) -> Iterator[AimError]:
    for name in _JSON:
        if os.path.lexists(folder / name):
            found = _object(folder / name)
            if isinstance(found, AimError):
                yield found


def _weights(folder: Path, *, pickle: bool) -> Iterator[AimError]:
    missing = locating.missing_files(folder)
    if missing and missing != ("config.json",):
        yield ModelMissing(
            f"{folder} is no complete model: it lacks {', '.join(missing[:3])}.", _again(folder)
        )
        return
    files = sorted(folder.glob("*.safetensors"))
    if not files and not pickle:
        yield from _only_pickles(folder)
    if (folder / "model.safetensors.index.json").is_file():
        # Copies in one piece lie beside the shards, and are not loaded.
        files = [file for file in files if not _CONSOLIDATED.fullmatch(file.name)]
    for file in files:
        fault = header_fault(file)
        if fault:
            yield ModelMissing(f"{file}: {fault}.", _again(folder))


def _only_pickles(folder: Path) -> Iterator[AimError]:
    pickles = sorted(path.name for path in folder.iterdir() if _PICKLED.fullmatch(path.name))
    if pickles:
        yield ModelMissing(
            f"The weights in {folder} are pickles ({pickles[0]}): loading them can run any code.",
            "convert them to safetensors, or add --load-format pt if you trust whoever made them",
        )


def header_fault(file: Path) -> str:
    """Return what is wrong with a safetensors file; empty where its head and its length agree.

    The file begins with the length of its header (8 bytes, little-endian), then the header, JSON,
    in which each tensor says where in the rest its data are: the largest end is the file's length.
    """
    try:
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            length = int.from_bytes(opened.read(8), "little")
            if size < 8 or length > min(size - 8, MOST_HEADER):  # noqa: PLR2004 - see above
                return f"only {size:,} bytes, its header alone is longer" if size else "it is empty"
            entries = msgspec.json.decode(opened.read(length), type=dict[str, Any])
        ends = [_end(entry) for name, entry in entries.items() if name != "__metadata__"]
    except OSError as error:
        return f"it can't be read: {error.strerror or error}"
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError, KeyError):
        return "its header is no safetensors header"
    wanted = 8 + length + max(ends, default=0)
    if size < wanted:
        return f"{size:,} of {wanted:,} bytes are there: an incomplete download"
    return f"{size - wanted:,} bytes too many: its header is of another file" * (size > wanted)


def _end(entry: Any) -> int:
    begin, end = entry["data_offsets"]
    if not 0 <= int(begin) <= int(end):
        raise ValueError
    return int(end)


def _object(file: Path) -> Any:
    """Return what a JSON file holds, or the error that it can't be read."""
    try:
        return msgspec.json.decode(file.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = str(error)
    return ModelMissing(f"{file} can't be read: {why}.", _again(file.parent))


def _again(folder: Path) -> str:
    """Return what to do about a file that did not come whole."""
    repo = repository(folder)
    if repo is None:
        return "copy the model there again"
    return f"rm -r {locating.repo_folder(repo)}, then %aim launch {repo}: it is downloaded anew"


def repository(folder: Path) -> str | None:
    """Return the repository whose snapshot in the cache `folder` is, None for any other folder.

    Examples
    --------
    >>> repository(Path("/c/models--Qwen--Qwen3-32B/snapshots/0123"))
    'Qwen/Qwen3-32B'
    """
    named = folder.parent.parent.name
    inside = folder.parent.name == "snapshots" and named.startswith("models--")
    return named.removeprefix("models--").replace("--", "/") if inside else None
