"""What is carried into a closed network."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field


class BundledModel(Struct, frozen=True, kw_only=True):
    """One model of a bundle.

    Attributes
    ----------
    repo : str
        What it is called, here and there.
    folder : str
        Where its files are in the bundle.
    commit : str
        Its revision; empty of a plain folder, which has none.
    hashes : dict
        From the name of a file to what its content is called in a cache; of a plain folder empty.
    size_bytes : int
    """

    repo: str
    folder: str
    size_bytes: int
    commit: str = ""
    hashes: dict[str, str] = field(default_factory=dict)


class BundledEngine(Struct, frozen=True, kw_only=True):
    """An engine's environment, without the interpreter that it stands on.

    Attributes
    ----------
    python : str
        The version of the interpreter that it needs, as ``3.11``.
    machine : str
        The processor that it is built for, as ``x86_64``.
    archive : str
        Its files, a tar in the bundle.
    """

    name: str
    engine: str
    version: str
    python: str
    machine: str
    archive: str
    size_bytes: int


class Bundle(Struct, frozen=True, kw_only=True):
    """What ``bundle.json`` says.

    Attributes
    ----------
    made_by : str
        The version of this package.
    recipes : tuple of str
        Recipe files of the user's own.
    left_out : tuple of str
        What a start there may want beside it.
    """

    version: Literal[1] = 1
    made_at: float
    made_by: str
    models: tuple[BundledModel, ...]
    engine: BundledEngine | None = None
    recipes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What all of it takes."""
        engine = self.engine.size_bytes if self.engine else 0
        return engine + sum(model.size_bytes for model in self.models)
