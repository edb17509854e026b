"""From what a user types to a model and to where its files are."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter import demo
from aim_jupyter.core import cache, config, recipes
from aim_jupyter.core.cache import soundness
from aim_jupyter.core.checkpoint import models
from aim_jupyter.core.checkpoint.folder import has_config, read
from aim_jupyter.core.errors import AimError, ModelMissing, UnknownName
from aim_jupyter.core.events import report
from aim_jupyter.core.planning import naming
from aim_jupyter.core.planning.naming import Meant
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Model, Recipe, Source
from aim_jupyter.core.request import Placed

#: What a launch starts that names no model, on a machine without a GPU.
SMALL = "HuggingFaceTB/SmolLM2-135M-Instruct"
DEMO = "demo"
#: What is no model is not searched for one, ``/`` is a folder too: one of these tells what it is.
_TELL = ("config.json", "params.json", "adapter_config.json", "model_index.json")
_PACKAGE = "package:"
#: By which vLLM reads weights from a store into the device, and nothing onto the disk.
_LOAD_FORMAT, STREAMER = "load-format", "runai_streamer"
_ASKED_AGAIN_S = 300.0


class Found(Struct, frozen=True, kw_only=True):
    """What a name means.

    Attributes
    ----------
    online : bool
        Whether the Hub was just asked for it, and can be asked for the headers of its weights.
    """

    model: Model
    online: bool = False


def model(name: str) -> Model:
    """Return the model that `name` means; see `find`."""
    return find(name).model


def find(name: str, catalogue: Catalogue | None = None) -> Found:
    """Return what `name` means: of the catalogue, a folder, or the Hub; see `naming.read`.

    Parameters
    ----------
    catalogue : Catalogue, optional
        Of other recipe folders than the configured ones.

    Raises
    ------
    BadUsage
        If it is a file or a name that no engine here takes, with the line to write.
    ModelMissing
        If `name` is a path and no model lies there.
    UnknownName
        If it is nothing that can be found, with the nearest names.
    Offline
        If it could only be found on the Hub, which can't be reached.
    """
    meant = naming.read(name)
    if is_path(meant.name):
        return Found(model=_local(folder_of(meant.name)))
    catalogue = catalogue or recipes.catalogue()
    known = _known(meant, catalogue)
    if known is not None:
        return Found(model=naming.narrowed(known, meant))
    config, online = _config_of(meant.name)
    derived = recipes.derive(meant.name, config)
    return Found(model=naming.narrowed(derived, meant), online=online)


def small() -> str:
    """Return the small real model, or the demo where neither a Hub nor an index can be reached."""
    # Asked once in a while: a form asks with each letter.
    return _small(int(time.monotonic() // _ASKED_AGAIN_S))


@functools.lru_cache(maxsize=1)
def _small(_moment: int) -> str:
    if cache.locate(SMALL).complete:
        return SMALL
    try:
        cache.obtainable(SMALL)
    except AimError as error:
        report(f"{error.found} The demo answers instead: a few questions, by heart.")
        return DEMO
    return SMALL


def known(name: str) -> Model | None:
    """Return the model of that name in the catalogue, None for a repository that is not there.

    Raises
    ------
    UnknownName
        If it is neither, with the nearest names.
    """
    meant = naming.read(name)
    found = None if is_path(meant.name) else _known(meant, recipes.catalogue())
    return None if found is None else naming.narrowed(found, meant)


def _known(meant: Meant, catalogue: Catalogue) -> Model | None:
    """Return the model of the catalogue by its name, or that which has these weights."""
    try:
        return catalogue.find(meant.name)
    except UnknownName as unknown:
        found = naming.tagged(meant, catalogue)
        if found is not None:
            return found
        # What begins with a dash is no repository, and an engine would take it for an option.
        if "/" not in meant.name or meant.name.startswith("-"):
            raise naming.unknown(meant, catalogue) or unknown from None
    return naming.with_weights(catalogue, meant.name)


def _config_of(repo: str) -> tuple[dict[str, Any], bool]:
    """Return the config of a repository, and whether the Hub was asked for it."""
    located = cache.locate(repo)
    soundness.refuse_other(located)
    if located.path is not None and has_config(Path(located.path)):
        return _read_config(Path(located.path)), False
    known = models.look_up(repo)
    if known is not None:
        return known, False
    with soundness.partly(located):
        cache.check_reachable(repo)
        return cache.fetch_config(repo), True


def comes_with_package(repo: str) -> bool:
    """Return whether weights are those of the demo, which are never downloaded."""
    return repo.startswith(_PACKAGE)


def place(recipe: Recipe, *, here: bool = True) -> Placed:  # noqa: PLR0911 - a return a source
    """Return where the weights of `recipe` are, and what has to be downloaded first.

    Parameters
    ----------
    here : bool
        Whether they are to be loaded on this machine: else nothing is looked up on the Hub.

    Raises
    ------
    ModelMissing
        If they are neither on disk nor to be had.
    """
    repo = recipe.weights.repo
    if comes_with_package(repo):
        shipped = Source(
            kind="package", name="aim-jupyter", note="answers a few questions by heart"
        )
        return Placed(path=str(demo.FOLDER), source=shipped, env={"HF_HUB_OFFLINE": "1"})
    if is_path(repo):
        folder = str(folder_of(repo))
        own = Source(kind="folder", name=folder)
        return Placed(path=folder, source=own, env={"HF_HUB_OFFLINE": "1"})
    located = cache.locate(repo, recipe.weights.revision)
    if located.complete and (located.root is None or not located.named):
        # A plain folder, as AMD's AIM runtime downloads: the engine takes it as it is.
        source = cache.source_of(repo, Path(str(located.path)))
        return Placed(path=str(located.path), source=source, env={"HF_HUB_OFFLINE": "1"})
    hub = cache.source_of(repo, Path()) if "://" in repo else Source(kind="hub", name=repo)
    root = located.root if located.complete else None
    env = {"HF_HUB_CACHE": root or str(config.model_cache_dir()), "HF_HUB_OFFLINE": "1"}
    if located.complete:
        return Placed(path=repo, revision=located.revision, source=hub, env=env)
    there = Placed(path=repo, revision=recipe.weights.revision, source=hub, download=repo, env=env)
    if not here:
        return there
    soundness.refuse_other(located)
    with soundness.partly(located):
        offer = cache.obtainable(repo, recipe.weights.revision)
    if offer.source.kind == "package":
        # It becomes a plain folder: it is no revision of the Hub.
        return _to_come(offer, cache.folder_of_package(repo))
    if offer.commit is not None:
        return replace(_to_come(offer, cache.snapshot(repo, offer.commit)), revision=offer.commit)
    return replace(there, download=offer.download, download_bytes=offer.size_bytes)


def streamed(recipe: Recipe, options: Mapping[str, Any]) -> Placed | None:
    """Return where weights are that the engine reads from the store itself; None where it does not.

    Parameters
    ----------
    options : mapping
        The user's own of the engine.
    """
    repo = recipe.weights.repo
    if not repo.startswith("s3://") or options.get(_LOAD_FORMAT) != STREAMER:
        return None
    env = {
        "HF_HUB_OFFLINE": "1",
        # Config and tokenizer go to a folder of the cache: vLLM's own lies in the home.
        "VLLM_ASSETS_CACHE": str(config.model_cache_dir() / ".streamed"),
    }
    if os.environ.get("AWS_ENDPOINT_URL"):
        # Another store than Amazon's seldom has a name of its own for each bucket.
        env["RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING"] = "0"
    return Placed(path=repo, source=cache.source_of(repo, Path()), env=env)


def _to_come(offer: cache.Obtainable, folder: Path) -> Placed:
    """Return what an engine takes by its folder, when it has been downloaded."""
    return Placed(
        path=str(folder),
        source=offer.source,
        download=offer.download,
        download_bytes=offer.size_bytes,
        env={"HF_HUB_OFFLINE": "1"},
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
            "%aim recipes",
        )
    if not any(os.path.isfile(folder / name) for name in _TELL):  # noqa: PTH113 - as above
        raise soundness.lacks(folder, ("config.json",))
    fault = soundness.refusal(cache.Located(path=str(folder)), pickle=True)
    if fault is not None:
        raise fault
    return recipes.derive(str(folder), _read_config(folder))


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        return read(folder)
    except (OSError, ValueError) as error:
        fault = soundness.refusal(cache.Located(path=str(folder)), pickle=True)
        raise fault or ModelMissing(
            f"{folder / 'config.json'} can't be read: {error}.",
            "download the model again: its config.json is broken",
        ) from error
