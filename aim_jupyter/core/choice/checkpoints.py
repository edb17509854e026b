"""Weights counted from the headers of a checkpoint, where those can be had."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from aim_jupyter import demo
from aim_jupyter.core import cache, fit
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.fit import Architecture, Tensor
from aim_jupyter.core.records.fit import Band, Settings

_PACKAGE = "package:"
ON_DISK = "counted in the files on disk"
ON_HUB = "counted in the headers on the Hub"

Counted = tuple[Band, str]
"""Bytes that one GPU loads, and where they were counted."""


def weights(
    repo: str,
    revision: str | None,
    model: Architecture,
    settings: Settings,
    *,
    online: bool = False,
) -> Counted | None:
    """Return what one GPU loads of a checkpoint; None where that can't be counted.

    Parameters
    ----------
    repo : str
        A repository of the Hub, a folder, or ``package:demo``.
    online : bool
        Whether the Hub may be asked for what is not on disk.
    """
    if model.problem or settings.quantization:
        return None
    place = folder(repo, revision)
    try:
        if place is not None:
            found = _on_disk(place, place.stat().st_mtime_ns)
            return _band(found, model, settings), ON_DISK
        if online and "/" in repo:
            return _band(_on_hub(repo, revision), model, settings), ON_HUB
    except (AimError, OSError):
        return None  # the config's own count is there, and says that it is modelled
    return None


def folder(repo: str, revision: str | None) -> Path | None:
    """Return where all files of a checkpoint lie, None where they do not."""
    if repo.startswith(_PACKAGE):
        return demo.FOLDER
    if repo.startswith(("/", "./", "../", "~")):
        return Path(repo).expanduser()
    located = cache.locate(repo, revision)
    return Path(located.path) if located.complete and located.path else None


def _band(found: Sequence[Tensor], model: Architecture, settings: Settings) -> Band:
    its = settings
    exact = fit.weights_from_headers(found, model, its.tp, its.pp, its.dtype, dp=its.dp)
    return Band(exact.bytes_per_gpu, exact.bytes_per_gpu)


@functools.lru_cache(maxsize=64)
def _on_disk(place: Path, changed_ns: int) -> tuple[Tensor, ...]:
    del changed_ns  # a folder that was written to since is another one
    return tuple(fit.tensors(place))


@functools.lru_cache(maxsize=64)
def _on_hub(repo: str, revision: str | None) -> tuple[Tensor, ...]:
    entries = cache.fetch_headers(repo, revision)
    return tuple(fit.tensor(each.name, each.dtype, each.shape, repo) for each in entries)
