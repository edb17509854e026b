"""Two records side by side: what is not as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from aim_jupyter.core.records.provenance import Difference, Served


def differences(then: Served, now: Served) -> list[Difference]:
    """Return all that differs, by the names of the fields; empty where the records are one.

    Examples
    --------
    >>> one = Served(aim_jupyter="1", engine="vllm", engine_version="1", platform="cpu", model="m")
    >>> differences(one, msgspec.structs.replace(one, files={"config.json": "git:0"}))
    [Difference(what='files.config.json', then='', now='git:0')]
    """
    before, after = (dict(_flat("", msgspec.to_builtins(one))) for one in (then, now))
    return [
        Difference(what=what, then=before.get(what, ""), now=after.get(what, ""))
        for what in dict.fromkeys([*before, *after])
        if before.get(what, "") != after.get(what, "")
    ]


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), one)
    elif isinstance(value, list | tuple):
        # Options and devices: each by its first word, so that a changed value is one difference.
        for number, line in enumerate(value):
            word, _, rest = str(line).partition(" ")
            yield (
                (f"{name}.{word}", rest or word)
                if name == "arguments"
                else (
                    f"{name}.{number}",
                    str(line),
                )
            )
    elif value not in (None, ""):
        yield name, str(value)
