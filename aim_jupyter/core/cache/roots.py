"""The folders that hold models: this user's cache, the shared ones, and that of AMD's AIM."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

from msgspec import Struct

from aim_jupyter.core import config

#: A dash of a name that would be read as a part of what stands for a slash.
_JOINT = re.compile(r"-(?=[-/])|(?<=[-/])-")


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
    engine that has this folder as `HF_HOME` looks into ``hub`` below it: both are looked into. What
    ModelScope's own library has downloaded comes last.
    """
    aim = config.aim_cache_dir()
    found = [] if aim is None else [Root(aim), Root(aim / "hub")]
    found += [Root(config.model_cache_dir())]
    found += [Root(path, shared=True) for path in config.shared_cache_dirs()]
    found += [Root(path, shared=True) for path in _modelscope() if os.path.isdir(path)]  # noqa: PTH112
    if len(found) == 1:
        return found
    once: dict[str, Root] = {}
    for root in found:
        once.setdefault(os.path.realpath(root.path), root)
    return list(once.values())


def _modelscope() -> list[Path]:
    """Return where ModelScope's library keeps ``<org>/<model>``, and where older ones did."""
    base = config.modelscope_cache_dir()
    return [base / "models", base / "hub" / "models"]


def folder_name(repo: str, kind: str = "model") -> str:
    """Return what the Hub's layout calls the folder of a repository.

    What comes from elsewhere has its whole address there, with what would be read as something
    else written as in addresses.

    Examples
    --------
    >>> folder_name("Qwen/Qwen3-8B"), folder_name("s3://models/qwen3-8b")
    ('models--Qwen--Qwen3-8B', 'models--s3%3A--models--qwen3-8b')
    """
    scheme, there, rest = repo.partition("://")
    if there:
        repo = _JOINT.sub("%2D", f"{scheme}%3A/{quote(rest, safe='/')}")
    return f"{kind}s--" + repo.replace("/", "--")


def repo_name(rest: str) -> str:
    """Return the repository of a folder, by what stands behind its kind.

    Examples
    --------
    >>> repo_name("Qwen--Qwen3-8B"), repo_name("s3%3A--models--qwen3-8b")
    ('Qwen/Qwen3-8B', 's3://models/qwen3-8b')
    """
    name = rest.replace("--", "/")
    scheme, there, rest = name.partition("%3A/")
    return f"{scheme}://{unquote(rest)}" if there else name
