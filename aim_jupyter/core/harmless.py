"""Text that others wrote, as it may be shown: it steers no terminal and turns no writing round."""

from __future__ import annotations

import re

# Commands to a terminal with their text (OSC 52 writes the clipboard) and its other escape
# sequences; every control character but line feed and tab, in seven bits and in eight; what turns
# the direction of writing, ends a line unseen, or can't be seen at all.
_STEERS = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\x9c\n]{0,100000}(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b\[[0-9;:<=>?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
    r"|[\ud800-\udfff\U000e0000-\U000e007f]"  # a half of a pair can't even be written
)


def harmless(text: str) -> str:
    r"""Return `text` without what would do something instead of being read.

    Examples
    --------
    >>> harmless("\x1b[31mred\x1b[0m \x1b]52;c;cm0gLXJm\x07 \u202egnp")
    'red  gnp'
    """
    return _STEERS.sub("", text)
