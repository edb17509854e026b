"""What drafts for a model, where it is another checkpoint: it is found, downloaded and held too."""

from __future__ import annotations

import json

from msgspec.structs import replace

from aim_jupyter.core import adapters, cache, config
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.planning import merged
from aim_jupyter.core.planning.resolving import is_path
from aim_jupyter.core.records import Plan

_OPTION = "speculative-config"


def drafter(plan: Plan) -> str:
    """Return what drafts in a plan, empty where that is no other checkpoint."""
    named = merged.sources(plan.argv, adapters.get(plan.engine))
    return next((value for option, value in named if option in (_OPTION, f"{_OPTION}.model")), "")


def with_drafter(plan: Plan, *, here: bool = True) -> Plan:
    """Return a plan with where its drafter is, and whether it has to be downloaded.

    Parameters
    ----------
    here : bool
        Whether it is to be loaded on this machine: else nothing is looked up.

    Raises
    ------
    ModelMissing
        If it is not on disk, and would be downloaded into another place than the model lies in.
    """
    name = drafter(plan)
    if not name or is_path(name) or not here:
        return replace(plan, drafter=name)
    own = str(config.model_cache_dir())
    root = plan.env.get("HF_HUB_CACHE", own)  # a model in a folder leaves it open
    located = cache.locate(name)
    if located.complete and located.path:
        there = located.root == root and located.named
        moved = plan if there else replace(plan, argv=_moved(plan.argv, located.path))
        return replace(moved, drafter=name if there else located.path)
    if root != own:
        raise ModelMissing(f"{name}, which drafts, is not on disk.", f"%aim cache prefetch {name}")
    env = {**plan.env, "HF_HUB_CACHE": own}
    return replace(plan, drafter=name, drafter_download=name, env=env)


def _moved(argv: tuple[str, ...], path: str) -> tuple[str, ...]:
    """Return the words with the drafter by its path."""
    words = list(argv)
    for number, word in enumerate(words):
        if word == f"--{_OPTION}":
            words[number + 1] = json.dumps({**json.loads(words[number + 1]), "model": path})
    return tuple(words)
