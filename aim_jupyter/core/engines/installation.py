"""Makes managed engine environments."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core import adapters, config, events
from aim_jupyter.core.engines import attempts, builds, preflight, probe_cache, probes, sources
from aim_jupyter.core.engines.candidates import Candidate
from aim_jupyter.core.engines.environments import describe
from aim_jupyter.core.engines.logs import Log
from aim_jupyter.core.engines.probe_cache import Answer
from aim_jupyter.core.engines.sources import InstallPlatform, Recipe
from aim_jupyter.core.errors import BadUsage, InstallFailed, StateUnusable
from aim_jupyter.core.records import EngineEnvironment


def install(
    platform: InstallPlatform, *, force: bool = False, catalogue: Path = sources.SHIPPED
) -> EngineEnvironment:
    """Make the managed engine environment for a platform, or return the one that is there.

    The sources of ``sources.toml`` are tried in order, and what becomes of each is reported. The
    environment appears only after its engine has been imported and has answered; an interrupted
    install leaves nothing that is ever listed. Two installs at once do the work once.

    Parameters
    ----------
    platform : {"cpu", "rocm", "sglang"}
        What to serve on with vLLM; or SGLang, on AMD GPUs. Installing for these is unverified: none
        was at hand.
    force : bool
        Make it anew where one is there; that one stays until the new one has proved itself.
    catalogue : Path
        Another list of sources, for sites with wheels of their own.

    Raises
    ------
    BadUsage
        If there is no such platform.
    InstallFailed
        If this machine lacks something, or no source gave a working engine.

    Examples
    --------
    >>> install("cpu").name  # doctest: +SKIP
    'vllm-cpu-0.32'
    """
    recipe = _recipe(platform, catalogue)
    there = None if force else _ready(recipe)
    if there is not None:
        return there
    try:
        with builds.alone():
            # Whoever had the place before us may have made it.
            there = None if force else _ready(recipe)
            return there or _made(recipe)
    except (StateUnusable, OSError) as error:
        found = (
            error.found
            if isinstance(error, StateUnusable)
            else f"{error.filename}: {error.strerror}."
        )
        raise InstallFailed(f"The engine can't be installed: {found}", attempts.ROOM) from error


def _recipe(platform: InstallPlatform, catalogue: Path) -> Recipe:
    recipes = sources.read(catalogue)
    if platform not in recipes:
        *first, last = recipes
        known = f"{', '.join(first)} or {last}"
        found = f"Engines are installed for {known}, not for {platform!r}."
        raise BadUsage(found, "%aim engine install cpu")
    return recipes[platform]


def _ready(recipe: Recipe) -> EngineEnvironment | None:
    python = config.engines_dir() / recipe.name / "bin/python"
    if not python.exists():
        return None
    environment = _described(recipe)
    return environment if environment.usable else None


def _described(recipe: Recipe) -> EngineEnvironment:
    python = config.engines_dir() / recipe.name / "bin/python"
    return describe(Candidate(name=recipe.name, python=python, source="managed"))


def _made(recipe: Recipe) -> EngineEnvironment:
    """Try the sources in order until one gives an engine."""
    builds.clear(recipe.name)
    host = preflight.look(recipe, config.engines_dir())
    missing = preflight.lacking(recipe, host)
    if missing or host.python is None:
        raise _unqualified(recipe, missing)
    log = Log(config.engines_dir() / f"{recipe.name}.log")
    refusals = []
    for source in recipe.sources:
        reason = preflight.against(source, host) or probes.unreachable(source.probes)
        if reason:
            events.report(f"Skipping {source.text}: {reason}.")
        else:
            try:
                return _published(recipe, *attempts.build(recipe, source, host.python, log), log)
            except attempts.Refused as refused:
                reason = str(refused)
                events.report(f"That failed: {reason}")
        refusals.append(f"{source.name}: {reason}")
    raise InstallFailed(
        f"No source gave {recipe.name} ({'; '.join(refusals)}).",
        f"read {log.path}, or set AIM_ENGINE_PYTHON to an interpreter that has "
        f"{adapters.title(recipe.engine)}",
    )


def _unqualified(recipe: Recipe, missing: list[str]) -> InstallFailed:
    advice = (
        f"use the container {recipe.container}" if recipe.container else "provide what is missing"
    )
    return InstallFailed(f"{recipe.name} can't be installed here: {'; '.join(missing)}.", advice)


def _published(recipe: Recipe, folder: Path, answer: Answer, log: Log) -> EngineEnvironment:
    shown = builds.publish(folder, recipe.name)
    # What it answered under the folder's own name holds under the link's: not asked twice.
    probe_cache.keep(probe_cache.key(shown / "bin/python"), answer)
    builds.clear(recipe.name)
    events.report(
        f"{recipe.name} is ready: "
        f"{adapters.title(recipe.engine)} {answer.version} for {answer.platform}, "
        f"{builds.size(folder) / 1e9:.1f} GB, {log.elapsed_s:.0f} s."
    )
    return _described(recipe)
