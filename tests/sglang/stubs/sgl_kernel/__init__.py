"""Stands in for SGLang's kernels, of which there is no wheel for CPUs: whatever is called fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn


def __getattr__(name: str) -> Callable[..., NoReturn]:
    """Return a kernel that can be imported, and not called: the plain path on CPUs calls none."""
    if name.startswith("__"):
        raise AttributeError(name)

    def absent(*_: object, **__: object) -> NoReturn:
        raise RuntimeError(f"there is no kernel {name} here")

    return absent
