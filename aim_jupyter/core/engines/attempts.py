"""One attempt at an engine environment: from one source, into a folder that nothing lists yet."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from aim_jupyter.core import adapters, events
from aim_jupyter.core.engines import builds, metadata
from aim_jupyter.core.engines.logs import Log
from aim_jupyter.core.engines.probe import ask
from aim_jupyter.core.engines.probe_cache import Answer
from aim_jupyter.core.engines.sources import Recipe, Source
from aim_jupyter.core.errors import InstallFailed

ROOM = "free some space there, or set AIM_DATA_DIR to a folder that you can write"
"""What to do where an environment can't be written."""


class Refused(Exception):
    """Why a source did not give an engine; it never leaves this package."""


def build(recipe: Recipe, source: Source, base: Path, log: Log) -> tuple[Path, Answer]:
    """Build an environment on the interpreter `base`, and return its folder and what it answers.

    Raises
    ------
    Refused
        If `source` did not give an engine that answers as it should.
    InstallFailed
        If no source could: `base` can't make environments, or the disk is full.
    """
    events.report(f"Installing {source.text}.")
    folder = builds.new(recipe.name)
    python = folder / "bin/python"
    try:
        _create(folder, base, log)
        _fill(python, source, log)
        metadata.complete(folder)
        title = adapters.title(recipe.engine)
        notice = f"Importing {title} to prove it, {log.elapsed_s:.0f} s."
        return folder, _proven(ask(python, fresh=True, notice=notice), recipe)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _create(folder: Path, base: Path, log: Log) -> None:
    if not log.run(base, "venv", [str(folder)]):
        raise InstallFailed(
            f"{base} can't make a virtual environment: {log.complaint}",
            f"apt install {base.name}-venv",
        )


def _fill(python: Path, source: Source, log: Log) -> None:
    locked = ("--no-deps", "--require-hashes", "--requirement", source.lock) if source.lock else ()
    arguments = ["install", "--progress-bar", "off", *source.arguments, *locked]
    arguments += source.requirements
    if not log.run(python, "pip", arguments):
        if any(os.strerror(full) in log.complaint for full in (errno.ENOSPC, errno.EDQUOT)):
            raise InstallFailed(f"The engine can't be installed: {log.complaint}.", ROOM)
        raise Refused(log.complaint)
    unwanted = ["uninstall", "--yes", *source.unwanted]
    if source.unwanted and not log.run(python, "pip", unwanted):
        raise Refused(log.complaint)


def _proven(answer: Answer, recipe: Recipe) -> Answer:
    if answer.reason:
        raise Refused(answer.reason)
    title = adapters.title(recipe.engine)
    if answer.engine != recipe.engine:
        raise Refused(f"it has {adapters.title(answer.engine or '')} and not {title}")
    if answer.platform != recipe.platform:
        raise Refused(f"its {title} is for {answer.platform}")
    if recipe.torch and not (answer.torch or "").startswith(recipe.torch):
        raise Refused(f"its torch is for {answer.torch}")
    return answer
