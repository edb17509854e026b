"""What goes into a bundle, decided before anything is written."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from aim_jupyter.core import cache, config
from aim_jupyter.core.engines import interpreters
from aim_jupyter.core.errors import ModelMissing, NoEngine
from aim_jupyter.core.records import Bundle, BundledEngine, BundledModel, EngineEnvironment

#: Of an environment: what stands on the interpreter, or is made again.
_MADE_ANEW = re.compile(r"pyvenv\.cfg|lib64|bin/(python|activate|Activate)[^/]*|.*__pycache__")
_LEFT_OUT = (
    "aim-jupyter itself: python -m pip download aim-jupyter",
    "what engines compile: they compile it again at the first start",
    "drivers, and ROCm where the engine does not bring it",
)


class Piece(NamedTuple):
    """One file of a bundle.

    Attributes
    ----------
    name : str
        In the bundle.
    """

    name: str
    source: Path
    size: int


class Contents(NamedTuple):
    """What a bundle will hold; `engine` are the files of the environment's tar."""

    bundle: Bundle
    pieces: tuple[Piece, ...]
    engine: tuple[Piece, ...] = ()


def decide(models: Sequence[tuple[str, str | None]], engine: EngineEnvironment | None) -> Contents:
    """Return what a bundle of these models holds.

    Parameters
    ----------
    models : sequence of (str, str or None)
        Repositories, each with its revision.
    engine : EngineEnvironment or None

    Raises
    ------
    ModelMissing
        If one of them is not whole on disk.
    NoEngine
        If the engine is no environment that can be carried.
    """
    found = [_model(number, *model) for number, model in enumerate(dict.fromkeys(models))]
    pieces = [piece for _, files in found for piece in files]
    recipes = list(_recipes())
    inside = () if engine is None else tuple(_environment(engine))
    made = Bundle(
        made_at=time.time(),
        made_by=sys.modules["aim_jupyter"].__version__,
        models=tuple(model for model, _ in found),
        engine=None if engine is None else _engine(engine, inside),
        recipes=tuple(piece.name for piece in recipes),
        left_out=_LEFT_OUT if engine else ("an engine: say --engine", *_LEFT_OUT),
    )
    return Contents(made, (*pieces, *recipes), inside)


def _model(number: int, repo: str, revision: str | None) -> tuple[BundledModel, list[Piece]]:
    located = cache.locate(repo, revision)
    if not located.complete or located.path is None:
        lacks = ", ".join(located.missing[:3]) or "what was damaged"
        raise ModelMissing(f"{repo} lacks {lacks}.", f"%aim cache prefetch {repo}")
    folder, place = Path(located.path), f"models/{number}"
    hub = located.root is not None
    files = list(_files(folder, place, hidden=not hub))
    hashes = {}
    if hub:
        # In the Hub's layout a file leads to its content, which is called by its hash.
        hashes = {
            piece.name.removeprefix(f"{place}/"): piece.source.resolve().name for piece in files
        }
    model = BundledModel(
        repo=repo,
        folder=place,
        commit=located.revision or "" if hub else "",
        hashes=hashes,
        size_bytes=sum(piece.size for piece in files),
    )
    return model, files


def _files(folder: Path, place: str, *, hidden: bool) -> Iterator[Piece]:
    """Yield the files below a folder; what is noted beside a plain one is a part of it."""
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in sorted(folders) if hidden or not name.startswith(".")]
        for name in sorted(names):
            file = Path(path, name)
            if file.is_file():
                inside = file.relative_to(folder).as_posix()
                yield Piece(f"{place}/{inside}", file, file.stat().st_size)


def _recipes() -> Iterator[Piece]:
    shipped, *own = config.recipe_dirs()
    del shipped
    for number, folder in enumerate(own):
        yield from _files(folder, f"recipes/{number}", hidden=False)


def _engine(found: EngineEnvironment, inside: Sequence[Piece]) -> BundledEngine:
    (packages,) = {piece.name.split("/")[1] for piece in inside if "/site-packages/" in piece.name}
    return BundledEngine(
        name=found.name,
        engine=found.engine or "",
        version=found.version or "",
        python=packages.removeprefix("python"),
        machine=platform.machine(),
        archive=f"engine/{found.name}.tar",
        size_bytes=sum(piece.size for piece in inside),
    )


def _environment(found: EngineEnvironment) -> Iterator[Piece]:
    under = interpreters.prefix(Path(found.python))
    if found.source != "managed" or not (under / "pyvenv.cfg").is_file():
        raise NoEngine(f"{found.name} was not made here, and can't be carried.", "%aim engines")
    for path, folders, names in os.walk(under):
        inside = Path(path).relative_to(under)
        folders[:] = [
            name for name in sorted(folders) if not _MADE_ANEW.fullmatch(str(inside / name))
        ]
        for name in sorted(names):
            file = Path(path, name)
            if not _MADE_ANEW.fullmatch(str(inside / name)):
                yield Piece(str(inside / name), file, file.lstat().st_size)
