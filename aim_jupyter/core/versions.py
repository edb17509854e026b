"""Whether a version is one of those that something is for."""

from __future__ import annotations

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
