"""Whether a model can start from what is on disk: a folder, or a revision in the cache."""

from __future__ import annotations

import json
import re
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import config

_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_PART = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<of>\d{5})\.safetensors")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tekken.json", "vocab.json", "vocab.txt")


class Located(Struct, frozen=True, kw_only=True):
    """Where a model lies. `missing` names what it lacks; empty means that it can start.

    Attributes
    ----------
    path : str or None
        The folder, None where nothing of it is on disk.
    """

    path: str | None
    revision: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every file that an engine needs is there."""
        return self.path is not None and not self.missing


def locate(repo: str, revision: str | None = None) -> Located:
    """Return where the Hub's repository `repo` lies in the cache.

    Examples
    --------
    >>> locate("nobody/nothing").complete
    False
    """
    folder = repo_folder(repo)
    commit = _commit(folder, revision or "main")
    snapshot = folder / "snapshots" / commit if commit else None
    if snapshot is None or not snapshot.is_dir():
        return Located(path=None, missing=("everything",))
    return Located(path=str(snapshot), revision=commit, missing=missing_files(snapshot))


def repo_folder(repo: str) -> Path:
    """Return the folder that the Hugging Face cache keeps for a model repository."""
    return config.model_cache_dir() / ("models--" + repo.replace("/", "--"))


def missing_files(folder: Path) -> tuple[str, ...]:
    """Return which of the files that an engine needs a model's folder lacks."""
    missing = [] if (folder / "config.json").is_file() else ["config.json"]
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        missing.append("tokenizer.json")
    return (*missing, *_missing_weights(folder))


def _missing_weights(folder: Path) -> list[str]:
    for name in _INDEXES:
        index = folder / name
        if index.is_file():
            try:
                shards = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
                return [shard for shard in shards if not (folder / shard).is_file()]
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                return [name]
    # A link may lead to nothing: its blob is on the way, or was removed.
    weights = [path.name for path in folder.glob("*.safetensors") if path.is_file()]
    parts = [found for name in weights if (found := _PART.fullmatch(name))]
    if parts and len(parts) == len(weights):
        # The index has not come yet, but each name says how many there are.
        return [name for part in parts[:1] for name in _parts_missing(part, weights)]
    return (
        []
        if weights or any(path.is_file() for path in folder.glob("*.bin"))
        else ["model.safetensors"]
    )


def _parts_missing(part: re.Match[str], there: list[str]) -> list[str]:
    stem, count = part["stem"], int(part["of"])
    names = (f"{stem}-{number:05}-of-{part['of']}.safetensors" for number in range(1, count + 1))
    return [name for name in names if name not in there]


def _commit(folder: Path, revision: str) -> str | None:
    if (folder / "snapshots" / revision).is_dir():
        return revision
    try:
        return (folder / "refs" / revision).read_text().strip()
    except (OSError, ValueError):
        # Also a name with a null byte, which no file can have.
        return None
