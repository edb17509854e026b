"""Writes ``docs/verdicts/``: of each option and variable of an engine, who may set it.

``python -m tests.core.recipes.verdicts`` judges what was recorded of the engines;
``python -m tests.core.recipes.verdicts vllm PYTHON`` asks that interpreter first, records what its
own parser has, and says what is new.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from aim_jupyter.core import adapters
from aim_jupyter.core.engines import probe
from aim_jupyter.core.recipes.arguments.options import plain
from aim_jupyter.core.recipes.arguments.renamed import table

DATA = Path(__file__).with_name("data")
DOCS = Path(__file__).parents[3] / "docs/verdicts"
RECORDED = {"vllm": "0.32.0", "sglang": "0.5.23"}

_HEAD = """\
# {title} {version}: who may set which option and variable.
# Written by tests/core/recipes/verdicts.py from what the engine's own parser has; the verdicts are
# those of its adapter's TOML files.
#
# recipe    a recipe may, within the bounds of allowed.toml; so may a user
# user      only a user, by name, on the line
# reserved  nobody: it is ours to give, or would go round the key
"""


class Row(NamedTuple):
    """One option or variable with its verdict, and what is said of it."""

    name: str
    verdict: str
    why: str = ""


def recorded(engine: str) -> dict[str, Any]:
    """Return what was recorded of the parser of an engine."""
    found: dict[str, Any] = json.loads(_file(engine).read_text())
    return found


def names(answer: dict[str, Any]) -> Iterator[str]:
    """Yield the first long name of each option, with dashes, and each variable."""
    for flag in answer["flags"]:
        long = [name for name in flag["names"] if name.startswith("--")] or flag["names"]
        yield next((name for name in long if not name.startswith("--no-")), long[0])
    yield from answer["variables"]


def rows(engine: str, answer: dict[str, Any]) -> list[Row]:
    """Return the verdict on everything that an engine can be told."""
    return [_row(engine, name) for name in dict.fromkeys(names(answer))]


def text(engine: str, answer: dict[str, Any]) -> str:
    """Return the verdicts as they stand in ``docs/verdicts/``."""
    head = _HEAD.format(title=adapters.title(engine), version=answer["version"])
    lines = (f"{row.name:56} {row.verdict:9} {row.why}".rstrip() for row in rows(engine, answer))
    return "\n".join([head, *lines, ""])


def file_of(engine: str) -> Path:
    """Return the file with the verdicts on an engine."""
    return DOCS / f"{engine}-{RECORDED[engine]}.txt"


def unknown(engine: str, answer: dict[str, Any]) -> list[str]:
    """Return what an engine can be told that nobody has judged yet."""
    judged = {
        line.split()[0]
        for line in file_of(engine).read_text().splitlines()
        if line[:1] != "#" and line
    }
    return [name for name in names(answer) if name not in judged]


def _row(engine: str, name: str) -> Row:
    adapter, common = adapters.get(engine), table()
    bare = plain(name) if name.startswith("-") else name
    allowed = adapter.allowed.options if name.startswith("-") else adapter.allowed.variables
    kind = allowed.get(bare)
    if kind is not None and kind != "off" and bare not in adapter.asks:
        return Row(name, "recipe", _short(kind))
    ours = {*adapter.env, adapter.key.variable}
    why = adapter.reserved.get(bare) or common.reserved.get(bare)
    if why or bare in ours:
        return Row(name, "reserved", why or "it is ours to set")
    return Row(name, "user", adapter.effects.get(bare) or common.effects.get(bare, ""))


def _short(kind: Any) -> str:
    if isinstance(kind, dict):
        return "an object: " + " ".join(kind)
    return " ".join(kind) if isinstance(kind, list) else str(kind)


def _file(engine: str) -> Path:
    return DATA / f"{engine}-{RECORDED[engine]}.json"


def _ask(engine: str, python: str) -> dict[str, Any]:
    """Return what an interpreter's engine says of itself."""
    answer: dict[str, Any] = msgspec.to_builtins(probe.ask(Path(python), engine, fresh=True))
    if answer["reason"]:
        raise SystemExit(answer["reason"])
    return answer


def _record(engine: str, answer: dict[str, Any]) -> None:
    flags = ",\n".join(json.dumps(_brief(flag)) for flag in answer["flags"])
    variables = json.dumps(answer["variables"])
    _file(engine).write_text(
        f'{{\n"version": "{answer["version"]}",\n"flags": [\n{flags}\n],\n'
        f'"variables": {variables}\n}}\n'
    )


def _brief(flag: dict[str, Any]) -> dict[str, Any]:
    usual = {"takes_value": True, "many": False, "choices": ()}
    return {key: value for key, value in flag.items() if value != usual.get(key, ...)}


def main(words: list[str]) -> None:
    """Write the verdicts on all engines, of one after it was asked."""
    if words:
        engine, python = words
        answer = _ask(engine, python)
        sys.stdout.write(f"new: {' '.join(unknown(engine, answer)) or 'nothing'}\n")
        _record(engine, answer)
    for each in RECORDED:
        file_of(each).write_text(text(each, recorded(each)))


if __name__ == "__main__":
    main(sys.argv[1:])
