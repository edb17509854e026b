"""Stands in for packages and kernels that only a GPU has: they are named, and never called."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from typing import Any

PACKAGES = ("torchvision", "aiter", "flash_attn", "triton_kernels", "quark", "cuda")
KERNELS = ("_C", "_moe_C", "_rocm_C", "_C_cache_ops", "_C_custom_ar")


class Nothing(type):
    """A class that is whatever its user wants, as long as nobody computes with it."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing(name)

    def __call__(cls, *args: Any, **options: Any) -> Any:  # noqa: D102  as its user wants it
        decorated = len(args) == 1 and callable(args[0]) and not options
        return args[0] if decorated else nothing("nothing")

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def __or__(cls, other: object) -> Any:
        return cls

    __ror__ = __or__


def nothing(name: str) -> Any:
    """Return a new such class."""
    return Nothing(name, (), {})


class Finder:
    """Finds packages that are not installed, and gives modules in which everything is nothing."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return how to import `name`, None where it is not one of ours."""
        del path, target
        if name.split(".", maxsplit=1)[0] not in self.names:
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """Return an empty module whose attributes are nothing."""
        module = types.ModuleType(spec.name)
        module.__path__ = []
        module.__file__ = "/dev/null"
        module.__version__ = "9.9.9"  # type: ignore[attr-defined]
        vars(module)["__getattr__"] = _attribute
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing: it is made."""


def _attribute(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return nothing(name)


def packages() -> None:
    """Stand in for the packages that are not installed."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    sys.meta_path.append(Finder(missing))


def kernels() -> None:
    """Stand in for the kernels that this build of vLLM has not; after it has registered its own."""
    from torch._ops import _OpNamespace  # noqa: PLC0415  after the packages

    real = _OpNamespace.__getattr__

    def named(namespace: Any, name: str) -> Any:
        try:
            return real(namespace, name)
        except AttributeError:
            if name.startswith("__") or namespace.name not in KERNELS:
                raise
            return nothing(name)

    _OpNamespace.__getattr__ = named
