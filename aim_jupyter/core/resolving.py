"""From what a user types to a model and to where its files are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from aim_jupyter import demo
from aim_jupyter.core import cache, config, recipes
from aim_jupyter.core.cache import locating
from aim_jupyter.core.errors import ModelMissing, UnknownName
from aim_jupyter.core.planning import Placed
from aim_jupyter.core.records import Model, Recipe

_PACKAGE = "package:"


def model(name: str) -> Model:
    """Return the model that `name` means: of the catalogue, a folder, or the Hub.

    Raises
    ------
    ModelMissing
        If `name` is a path and no model lies there.
    UnknownName
        If it is nothing that can be found, with the nearest names.
    Offline
        If it could only be found on the Hub, which can't be reached.
    """
    if is_path(name):
        return _local(folder_of(name))
    found = known(name)
    return found if found is not None else recipes.derive(name, _hub_config(name))


def known(name: str) -> Model | None:
    """Return the model of that name in the catalogue, None for a repository that is not there.

    Raises
    ------
    UnknownName
        If it is neither, with the nearest names.
    """
    try:
        return recipes.catalogue().find(name)
    except UnknownName:
        # What begins with a dash is no repository, and an engine would take it for an option.
        if "/" not in name or name.startswith("-"):
            raise
    return None


def comes_with_package(repo: str) -> bool:
    """Return whether weights are those of the demo, which are never downloaded."""
    return repo.startswith(_PACKAGE)


def place(recipe: Recipe) -> Placed:
    """Return where the weights of `recipe` are, and what has to be downloaded first.

    Raises
    ------
    ModelMissing
        If they are neither on disk nor to be had.
    """
    repo = recipe.weights.repo
    if comes_with_package(repo):
        return Placed(path=str(demo.FOLDER), env={"HF_HUB_OFFLINE": "1"})
    if is_path(repo):
        return Placed(path=str(folder_of(repo)), env={"HF_HUB_OFFLINE": "1"})
    located = cache.locate(repo, recipe.weights.revision)
    if located.complete and located.root is None:
        # A plain folder, as AMD's AIM runtime downloads: the engine takes it as it is.
        return Placed(path=str(located.path), env={"HF_HUB_OFFLINE": "1"})
    root = located.root if located.complete else None
    env = {"HF_HUB_CACHE": root or str(config.model_cache_dir()), "HF_HUB_OFFLINE": "1"}
    if located.complete:
        return Placed(path=repo, revision=located.revision, env=env)
    size = cache.check_reachable(repo, recipe.weights.revision)
    return Placed(
        path=repo, revision=recipe.weights.revision, download=repo, download_bytes=size, env=env
    )


def is_path(name: str) -> bool:
    """Return whether a name is that of a folder, not of a repository."""
    return name.startswith(("/", "./", "../", "~")) or name in (".", "..")


def folder_of(name: str) -> Path:
    """Return the folder that a user means."""
    # Not `Path.expanduser`: that raises for the home of nobody, which then is a missing folder.
    return Path(os.path.expanduser(name)).absolute()  # noqa: PTH111


def _local(folder: Path) -> Model:
    # Not `Path.is_dir`: that raises where a name is too long or its folder may not be read.
    if not os.path.isdir(folder):  # noqa: PTH112
        raise ModelMissing(
            f"There is no folder {folder}.",
            "check the path, or give a name: %aim recipes lists the models",
        )
    # What is no model is not searched for one: ``/`` is a folder too.
    has_config = os.path.isfile(folder / "config.json")  # noqa: PTH113 - as above
    missing = locating.missing_files(folder) if has_config else ["config.json"]
    if missing:
        raise ModelMissing(
            f"{folder} is no complete model: it lacks {', '.join(missing[:3])}.",
            "copy the missing files there, or download the model again",
        )
    return recipes.derive(str(folder), _read_config(folder / "config.json"))


def _hub_config(repo: str) -> dict[str, Any]:
    located = cache.locate(repo)
    if located.path is not None and "config.json" not in located.missing:
        return _read_config(Path(located.path) / "config.json")
    cache.check_reachable(repo)
    return cache.fetch_config(repo)


def _read_config(file: Path) -> dict[str, Any]:
    try:
        facts = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelMissing(
            f"{file} can't be read: {error}.", "download the model again: its config.json is broken"
        ) from error
    if not isinstance(facts, dict):
        raise ModelMissing(f"{file} holds no object.", "download the model again")
    return facts
