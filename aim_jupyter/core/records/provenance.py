"""What served an answer: all that may change one, named by a hash, and nothing else."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from aim_jupyter.core.records.plan import Source

#: Hexadecimal digits of a record's name: 64 bits.
DIGITS = 16


class Served(Struct, frozen=True, kw_only=True):
    """What a server is made of. No path, port, name or time stands here: none changes an answer.

    Attributes
    ----------
    aim_jupyter : str
        Our own version.
    image : str
        The digest of the container image that the engine lies in, empty without one.
    packages : dict
        Versions of what computes, as installed beside the engine: torch, transformers, ….
    rocm, driver : str
        Of the machine; empty where it has none.
    files : dict
        What the model's folder holds: a hash by file name, as ``sha256:…``, or ``git:…`` as the
        Hub names small files. The tokenizer and the chat template are among them.
    beside : dict
        The same for what else is loaded, by the option that names it: drafter, adapters, template.
    recipe, origin : str
        Whose settings they are.
    arguments : tuple of str
        The engine's resolved options, a line each, sorted.
    environment : dict
        The variables that an engine reads.
    devices : tuple of str
        A line for each GPU: model, architecture, partition, firmware; else the processor.
    """

    aim_jupyter: str
    engine: str
    engine_version: str
    platform: str
    model: str
    revision: str | None = None
    source: Source | None = None
    image: str = ""
    packages: dict[str, str] = {}
    rocm: str = ""
    driver: str = ""
    files: dict[str, str] = {}
    beside: dict[str, dict[str, str]] = {}
    recipe: str = ""
    origin: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    devices: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name of all this: 16 hexadecimal digits of its SHA-256."""
        data = msgspec.json.encode(self, order="deterministic")
        return hashlib.sha256(data).hexdigest()[:DIGITS]


class Provenance(Struct, frozen=True, kw_only=True):
    """A record as it is kept: what served, and how to ask for the same.

    Attributes
    ----------
    id : str
        That of `served`.
    asked : tuple of str
        The words after ``%aim launch``.
    first_at : float
        When it was first served, in seconds since the epoch.
    """

    id: str
    served: Served
    asked: tuple[str, ...] = ()
    first_at: float = 0.0


class Difference(Struct, frozen=True, kw_only=True):
    """One thing that is not as it was: `then` or `now` is empty where it was or is not there."""

    what: str
    then: str
    now: str
