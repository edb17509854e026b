"""What a revision has on the Hub: the list of its files that the Hub's library keeps beside it.

``trees/<commit>.json`` in the folder of a repository, as `huggingface_hub` 2 writes it (its
``_tree_cache.py``): so what a whole download comes to is known without asking.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from aim_jupyter.core.cache import needs

#: In the folder of a repository.
FOLDER = "trees"


def expected_bytes(folder: str, commit: str, read: Callable[[str], bytes]) -> int | None:
    """Return the bytes of a whole download; None where no list, or none that is known, was kept.

    Parameters
    ----------
    folder : str
        Of the repository.
    read : callable
        Gives the content of a file of that revision, for what an index of weights lists.
    """
    try:
        # No `pathlib`: as in `scan`.
        with open(f"{folder}/{FOLDER}/{commit}.json", "rb") as file:  # noqa: PTH123
            listed = json.load(file)["files"]
        sizes = {name: int(facts["size"]) for name, facts in listed.items()}
        return sum(sizes[name] for name in needs.chosen(sizes, read))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
