"""Which engine versions a recipe holds for."""

from __future__ import annotations

import re

from aim_jupyter.core.versions import within


def holds_for(engines: str, engine: str, version: str | None) -> bool:
    """Return whether an engine is among `engines`, such as ``vllm>=0.18``.

    Whatever is not said, or not known, holds: a nightly build counts as the release it leads to.

    Examples
    --------
    >>> holds_for("vllm>=0.27.1", "vllm", "0.32.0+rocm721")
    True
    >>> holds_for("vllm>=0.27.1", "vllm", "0.9")
    False
    """
    said = re.fullmatch(r"([\w-]+)(>=[\d.]+)?", engines)
    if said is None:
        return True
    name, least = said.groups()
    if name != engine:
        return False
    return version is None or least is None or within(version, least)
