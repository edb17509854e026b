"""What an administrator or a user says of a place: a TOML file of the site's name.

::

    # /etc/aim_jupyter/sites/lumi.toml, or ~/.config/aim_jupyter/sites/lumi.toml
    like = "lumi-g"                  # a template: what is not said here stands there
    account = "project_465000000"
    partition = "dev-g"

A user's file wins over an administrator's of the same name. Where there is none, a place that is
here is a site of its own name, with nothing said of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.records.kinds import resolved

TEMPLATES = Path(__file__).with_name("templates")
MOST_BYTES = 1 << 16

# What reaches a script: one line, and nothing that a shell reads as more than a word.
Word = Annotated[str, Meta(max_length=256, pattern=r"^[A-Za-z0-9_.,:=+@%/\[\]-]*$")]
Line = Annotated[str, Meta(min_length=1, max_length=2048, pattern=r"^[^\x00\n\r]+$")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One site; what is empty is left to the place.

    Attributes
    ----------
    place : str
        Of which kind it is: ``slurm``.
    gpu : str
        Which GPU it is, as in ``--machine``; empty is what the place says.
    gcd : bool
        Whether the place counts dies (GCDs), two of which are one MI250X.
    request : str
        How GPUs are asked for.
    gres : str
        The word for GPUs in a request, such as ``gpu`` or ``gpu:mi250``.
    cpus_per_gpu, memory_per_gpu_gib : int
        What goes with each GPU; 0 is the place's own.
    margin_s : float
        So long before the end of the wall time no new request is taken, and running ones finish.
    requeue : bool
        Whether a job that lost its node or its turn goes back into the queue.
    options : tuple of str
        More words for the submission.
    setup : tuple of str
        Lines of shell that run first: ``module load …``.
    wrap : tuple of str
        What stands before the command, such as a container's runtime with its binds.
    env : dict
        Variables; ``$NAME`` in a value is expanded where the job runs.
    reach : str
        How its nodes are reached: through a step of the job, or by ssh.
    source : str
        Where all of this was read.
    verified : str
        When and by whom it was tried; empty is never.
    """

    name: str = ""
    place: str = "slurm"
    title: str = ""
    like: str = ""
    partition: Word = ""
    account: Word = ""
    qos: Word = ""
    gpu: Word = ""
    gcd: bool = False
    request: Literal["gres", "gpus-per-node"] = "gres"
    gres: Word = "gpu"
    cpus_per_gpu: Annotated[int, Meta(ge=0, le=1024)] = 0
    memory_per_gpu_gib: Annotated[int, Meta(ge=0, le=65536)] = 0
    margin_s: Annotated[float, Meta(ge=0, le=86400)] = 300.0
    requeue: bool = False
    options: tuple[Word, ...] = ()
    setup: tuple[Line, ...] = ()
    wrap: tuple[Line, ...] = ()
    env: dict[Name, Line] = {}
    reach: Literal["step", "ssh"] = "step"
    source: str = ""
    verified: str = ""


_NAMED = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def folders() -> list[Path]:
    """Return where site files lie, those that win last."""
    return [Path("/etc/aim_jupyter/sites"), *config.site_dirs()]


def written() -> dict[str, Path]:
    """Return the files of sites by name."""
    return {name: path for folder in folders() for name, path in _files(folder)}


def templates() -> dict[str, Path]:
    """Return the files of the templates by name."""
    return dict(_files(TEMPLATES))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.glob("*.toml")):
        if _NAMED.fullmatch(path.stem):
            yield path.stem, path


def read(name: str, path: Path) -> Site:
    """Return what the file of a site says, over the template that it is like.

    Raises
    ------
    SiteError
        If it can't be read, or is not what a site is.
    """
    said = _table(path)
    like = str(said.get("like", ""))
    if like:
        known = templates()
        if like not in known:
            raise SiteError(
                f"{path}: there is no template {like!r}.", f"like = one of {', '.join(known)}"
            )
        said = {**_table(known[like]), **said}
    try:
        return msgspec.convert({"title": name, **said, "name": name}, resolved(Site))
    except msgspec.ValidationError as error:
        raise SiteError(f"{path}: {error}.", f"edit {path}") from error


def _table(path: Path) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(files.read_bounded(path, MOST_BYTES), type=dict[str, Any])
    except (OSError, ValueError) as error:
        raise SiteError(f"{path} can't be read: {error}.", f"edit {path}") from error


def schema() -> dict[str, Any]:
    """Return the JSON schema of a site's file, for editors that check TOML."""
    return msgspec.json.schema(resolved(Site))


def expanded(value: str) -> str:
    """Return a path of a site's file as it is on this machine: ``$USER``, ``~``."""
    return os.path.expanduser(os.path.expandvars(value))  # noqa: PTH111 - never raises
