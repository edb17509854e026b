"""The folders that hold models: this user's cache, the shared ones, and that of AMD's AIM."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import config


class Root(Struct, frozen=True):
    """One folder that is looked into.

    Attributes
    ----------
    shared : bool
        Whether it is only read: nothing is downloaded there, noted there or evicted from there.
    """

    path: Path
    shared: bool = False


def roots() -> list[Root]:
    """Return where models are looked for, the first one winning: AIM's, own, shared.

    AIM's own downloader puts the Hub's layout into its folder itself where it is asked to, while an
    engine that has this folder as `HF_HOME` looks into ``hub`` below it: both are looked into.
    """
    aim = config.aim_cache_dir()
    found = [] if aim is None else [Root(aim), Root(aim / "hub")]
    found += [Root(config.model_cache_dir())]
    found += [Root(path, shared=True) for path in config.shared_cache_dirs()]
    if len(found) == 1:
        return found
    once: dict[str, Root] = {}
    for root in found:
        once.setdefault(os.path.realpath(root.path), root)
    return list(once.values())


def folder_name(repo: str, kind: str = "model") -> str:
    """Return what the Hub's layout calls the folder of a repository.

    Examples
    --------
    >>> folder_name("Qwen/Qwen3-8B")
    'models--Qwen--Qwen3-8B'
    """
    return f"{kind}s--" + repo.replace("/", "--")
