"""Whether a version is one of those that something is for."""

from __future__ import annotations

import functools
import re


def within(version: str, wanted: str) -> bool:
    """Return whether the numbers of a version lie within `wanted`, such as ``>=0.32,<0.33``.

    What follows the numbers does not count: a nightly build is the release it leads to, and a
    vendor's build the release it was made from. What begins with no number lies nowhere.

    Raises
    ------
    packaging.specifiers.InvalidSpecifier
        If `wanted` is none; it stands in our own tables.

    Examples
    --------
    >>> within("0.32.0+rocm721", ">=0.32,<0.33"), within("0.9", ">=0.27.1")
    (True, False)
    """
    # 17 ms of CPU, which a verb that looks at no engine need not pay.
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415

    numbers = re.match(r"\d+(\.\d+)*", version)
    return numbers is not None and SpecifierSet(wanted).contains(numbers[0])


@functools.lru_cache(maxsize=256)
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
