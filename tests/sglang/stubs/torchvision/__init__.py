"""Stands in for torchvision, whose wheels are linked to CUDA: all of it is there, none of it works.

SGLang and Transformers import it for pictures, also where a model reads text alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

__version__ = "0.20.0"


class Absent(type):
    """A class whose attributes are classes like it, and which can't be called."""

    def __getattr__(cls, name: str) -> type:
        """Return a class for whatever is asked for."""
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __call__(cls, *_: object, **__: object) -> NoReturn:
        """Refuse."""
        raise RuntimeError("there is no torchvision here")


class Part(ModuleType):
    """A module that has every name."""

    def __getattr__(self, name: str) -> Any:
        """Return a class for whatever is asked for."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(name, (), {})


class Parts(MetaPathFinder, Loader):
    """Every module below this one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how such a module is made, None for one that is not below this."""
        del path, target
        below = fullname.startswith("torchvision.")
        return ModuleSpec(fullname, self, is_package=True) if below else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module."""
        return Part(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is in it."""


sys.meta_path.append(Parts())
