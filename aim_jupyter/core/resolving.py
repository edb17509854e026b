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
from aim_jupyter.core.recipes import variables
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
    if _is_path(name):
        return _local(_folder(name))
    try:
        return recipes.catalogue().find(name)
    except UnknownName:
        if "/" not in name:
            raise
    return recipes.derive(name, _hub_config(name))


def place(recipe: Recipe) -> Placed:
    """Return where the weights of `recipe` are, and what has to be downloaded first.

    Raises
    ------
    ModelMissing
        If they are neither on disk nor to be had.
    """
    repo = recipe.weights.repo
    if repo.startswith(_PACKAGE):
        return Placed(path=str(demo.FOLDER), env={"HF_HUB_OFFLINE": "1"})
    folder = _folder(repo) if _is_path(repo) else _in_aim_cache(repo)
    if folder is not None:
        return Placed(path=str(folder), env={"HF_HUB_OFFLINE": "1"})
    located = cache.locate(repo, recipe.weights.revision)
    env = {"HF_HUB_CACHE": str(config.model_cache_dir()), "HF_HUB_OFFLINE": "1"}
    if located.complete:
        return Placed(path=repo, revision=located.revision, env=env)
    size = cache.check_reachable(repo, recipe.weights.revision)
    return Placed(
        path=repo, revision=recipe.weights.revision, download=repo, download_bytes=size, env=env
    )


def _in_aim_cache(repo: str) -> Path | None:
    """Return where AMD's AIM runtime keeps `repo`: in ``AIM_CACHE_PATH/<org>/<model>``."""
    cache_path = variables.read().cache_path
    folder = cache_path / repo if cache_path else None
    return folder if folder and not locating.missing_files(folder) else None


def _is_path(name: str) -> bool:
    return name.startswith(("/", "./", "../", "~")) or name in (".", "..")


def _folder(name: str) -> Path:
    # Not `Path.expanduser`: that raises for the home of nobody, which then is a missing folder.
    return Path(os.path.expanduser(name)).absolute()  # noqa: PTH111


def _local(folder: Path) -> Model:
    # Not `Path.is_dir`: that raises where a name is too long or its folder may not be read.
    if not os.path.isdir(folder):  # noqa: PTH112
        raise ModelMissing(
            f"There is no folder {folder}.",
            "check the path, or give a name: %aim recipes lists the models",
        )
    missing = locating.missing_files(folder)
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
