"""The smallest size of each benchmark: with ``--smoke`` it shows that it runs, not how fast."""

from __future__ import annotations

import sys
from typing import TypeVar

Size = TypeVar("Size")

SAID = "Smoke test in the smallest size: what follows is no measurement."
_SMOKE = "--smoke" in sys.argv
if _SMOKE:
    sys.argv.remove("--smoke")
    print(SAID, flush=True)


def size(usual: Size, smallest: Size) -> Size:
    """Return how much is done: as usual, or the least with which everything runs."""
    return smallest if _SMOKE else usual
