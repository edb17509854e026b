"""A stand-in for docker: takes the same words, and runs what it is told without a container.

What is started leads a session of its own, as a container's first process does, and hears of its
client by its standard input alone. Each ``run`` is written down, word by word. What that does not
show: namespaces, mounts, devices, users; tests/docker does, with docker and podman themselves.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

_PROGRAM = Path(__file__).with_name("boxing.py")


class Docker(Struct, frozen=True):
    """A stand-in that was written into a folder.

    Attributes
    ----------
    place : Path
        Where it keeps what it knows; the program is below ``programs``.
    """

    place: Path

    def add(self, name: str, ident: str = "0123456789abcdef") -> None:
        """Add an image under a name."""
        images = json.loads((self.place / "images.json").read_text())
        (self.place / "images.json").write_text(json.dumps({**images, name: ident}))

    def runs(self) -> list[list[str]]:
        """Return the words of each ``docker run`` so far."""
        told = self.place / "runs.jsonl"
        return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []

    def boxes(self) -> dict[str, Any]:
        """Return what is there, by name."""
        found = sorted((self.place / "boxes").iterdir())
        return {path.name: json.loads(path.read_text()) for path in found}

    def be_stubborn(self) -> None:
        """Remove nothing from now on."""
        (self.place / "stubborn").touch()


def docker(folder: Path, interpreter: Path) -> Docker:
    """Write a stand-in whose images have `interpreter` as their ``python3``."""
    made = Docker(folder)
    for name in ("programs", "inside", "boxes"):
        (folder / name).mkdir(parents=True)
    (folder / "images.json").write_text("{}")
    (folder / "security.json").write_text('["name=seccomp,profile=default"]')
    (folder / "inside/python3").symlink_to(interpreter)
    program = folder / "programs/docker"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {_PROGRAM} {folder} "$@"\n')
    program.chmod(0o755)
    return made


def path_with(made: Docker) -> str:
    """Return a path with the stand-in on it, and neither docker nor podman."""
    kept = [each for each in os.environ["PATH"].split(os.pathsep) if not _has_program(each)]
    return os.pathsep.join([str(made.place / "programs"), *kept, *_without(made.place)])


def _has_program(folder: str) -> bool:
    return any(shutil.which(name, path=folder) for name in ("docker", "podman"))


def _without(place: Path) -> Iterator[str]:
    """Yield a folder with links to all programs but those two."""
    links = place / "others"
    links.mkdir(exist_ok=True)
    for folder in filter(_has_program, os.environ["PATH"].split(os.pathsep)):
        for file in Path(folder).iterdir():
            if file.name not in ("docker", "podman") and not (links / file.name).is_symlink():
                (links / file.name).symlink_to(file)
    yield str(links)


def end(made: Docker) -> None:
    """End what still runs."""
    for box in made.boxes().values():
        try:
            os.kill(box["pid"], signal.SIGKILL)
        except ProcessLookupError:
            continue
