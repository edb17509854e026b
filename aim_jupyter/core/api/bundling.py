"""Bundles for closed networks: made where there is a network, verified, and installed where not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aim_jupyter.core import engines
from aim_jupyter.core.api.caching import weights_of
from aim_jupyter.core.api.plans import judged
from aim_jupyter.core.bundle import archive, contents, installation
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.events import report
from aim_jupyter.core.planning import resolving
from aim_jupyter.core.records import Bundle
from aim_jupyter.core.request import Request
from aim_jupyter.core.sizes import amount

#: Faults that are listed by name.
_NAMED = 10


def create_bundle(
    models: Sequence[str], out: Path, *, recipe: str | None = None, engine: bool = False
) -> list[str]:
    """Write models, what drafts for them and the engine into a folder, and say what is in it.

    Parameters
    ----------
    models : sequence of str
        Names of the catalogue, repositories, or addresses, which are on disk.
    recipe : str, optional
        The recipe whose weights are meant, else the one that a launch would choose here.
    engine : bool
        Whether the environment that would serve goes along.

    Raises
    ------
    ModelMissing, UnknownName, BadUsage
        If a model is not whole on disk, or is a folder.
    NoEngine
        If the engine is none that can be carried.
    BadUsage, StateUnusable
        If the folder is not empty, or can't be written.
    """
    wanted = list(_wanted(models, recipe))
    made = contents.decide(wanted, engines.choose() if engine else None)
    said = list(_said(made.bundle))
    for line in said:
        report(line)
    archive.write(made, out.expanduser().absolute(), report)
    return [f"{out} is whole. Over there: aim-engine bundle install {out}"]


def verify_bundle(folder: Path) -> list[str]:
    """Read a bundle through, and say whether it is what it was made as.

    Raises
    ------
    ModelMissing
        If it is not, with the files.
    """
    folder = folder.expanduser().absolute()
    bundle = archive.read(folder)
    found = list(archive.faults(folder))
    wrong = [f"{name} {fault}" for name, fault in found if fault]
    if wrong:
        more = f", and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        raise ModelMissing(f"{'; '.join(wrong[:_NAMED])}{more}.", "carry the bundle here again")
    return [*_said(bundle), f"{len(found)} files are what they were made as."]


def install_bundle(folder: Path) -> list[str]:
    """Take a bundle into this machine; it needs no network, and what is here already stays.

    Raises
    ------
    ModelMissing, StateUnusable
        If something of it is not what it was made as, or there is no room.
    InstallFailed
        If the engine does not run here.
    """
    folder = folder.expanduser().absolute()
    bundle = installation.install(folder, report)
    recipes = {str(folder / Path(name).parent) for name in bundle.recipes}
    return [
        *(f"aim-engine launch {model.repo}" for model in bundle.models),
        *(f"Its recipes: set AIM_RECIPES_PATH to {place}" for place in sorted(recipes)),
    ]


def _wanted(models: Sequence[str], recipe: str | None) -> Iterator[tuple[str, str | None]]:
    for model in models:
        weights = weights_of(model, recipe)
        if weights is None:
            report(f"{model} comes with the package.")
            continue
        yield weights.repo, weights.revision
        drafts = _drafter(model, recipe)
        if drafts:
            yield drafts, None


def _drafter(model: str, recipe: str | None) -> str:
    """Return the checkpoint that drafts for a model of the catalogue, empty where none does."""
    if resolving.known(model) is None:
        return ""
    said: Any = judged(Request(model=model, recipe=recipe))[0].recipe.args.get("speculative-config")
    facts = json.loads(said) if isinstance(said, str) else said
    name = facts.get("model") if isinstance(facts, dict) else None
    return name if isinstance(name, str) and not resolving.is_path(name) else ""


def _said(bundle: Bundle) -> Iterator[str]:
    for model in bundle.models:
        yield f"{model.repo}: {amount(model.size_bytes)}"
    if bundle.engine is not None:
        its = bundle.engine
        yield f"{its.name}: {amount(its.size_bytes)}, for Python {its.python} on {its.machine}"
    yield f"Together {amount(bundle.size_bytes)}"
    yield from (f"Left out: {each}" for each in bundle.left_out)
