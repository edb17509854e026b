"""What a plan's command line says, whoever said it: recipe, profile or user.

A policy is about what will be loaded and opened, so it is read off the words that the engine gets,
with the keys inside of those that are JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.recipes.arguments.options import plain

#: Values of ``--load-format`` that name pickles; engines read them in any case.
PICKLES = ("pt", "npcache")
_DEPTH = 8
#: Keys that name something in the API, not on a disk.
_LABELS = ("name", "base_model_name")
#: What engines read as words of their own where a model or a folder could stand.
_WORDS = ("", "auto", "vllm", "none")


def said(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each option with each of its values as text; keys of an object follow a dot.

    Examples
    --------
    >>> list(said(["python", "--spec", '{"model": "a/b"}', "--eager", "--seed=-1", "--no-x"]))
    [('spec.model', 'a/b'), ('eager', ''), ('seed', '-1'), ('no-x', '')]
    """
    name, values = "", list[str]()
    for word in [*argv, "--"]:
        if not word.startswith("--"):
            values.append(word)
            continue
        if name:
            for value in values or [""]:
                yield from _leaves(plain(name), _parsed(value), 0)
        name, equals, value = word.partition("=")
        values = [value] if equals else []


def sources(argv: Sequence[str], adapter: Adapter) -> Iterator[tuple[str, str]]:
    """Yield the options that name what is loaded beside the model, each with a repository or path.

    Examples
    --------
    >>> from aim_jupyter.core import adapters
    >>> argv = ["--lora-modules", "a=/x", "--chat-template", "{{ bos }}", "--tokenizer", "o/m"]
    >>> list(sources(argv, adapters.get("vllm")))
    [('lora-modules', '/x'), ('tokenizer', 'o/m')]
    """
    for name, value in said(argv):
        base, _, key = name.rpartition(".")
        if not (name in adapter.sources or (base in adapter.sources and key not in _LABELS)):
            continue
        label, equals, path = value.partition("=")
        found = path if equals and "/" not in label else value
        # A template that is given itself, not the name of its file.
        if found.casefold() not in _WORDS and not set(found) & set("{}\n"):
            yield base if base in adapter.sources else name, found


def remote_code(argv: Sequence[str], adapter: Adapter) -> str | None:
    """Return the option that lets a model bring code, None where none does."""
    option = adapter.option("trust_remote_code")
    return option if any(name == option and _is_on(value) for name, value in said(argv)) else None


def pickles(argv: Sequence[str], adapter: Adapter) -> str | None:
    """Return the option and value that has weights read as pickles, None where none does."""
    for name, value in said(argv):
        last = name.rpartition(".")[2].replace("_", "-")
        if last.endswith(adapter.option("load_format")) and value.strip().casefold() in PICKLES:
            return f"{name} {value}"
    return None


def _is_on(value: str) -> bool:
    return value.casefold() != "false"


def _leaves(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth < _DEPTH:
        for key, inside in value.items():
            yield from _leaves(f"{name}.{key}", inside, depth + 1)
    elif isinstance(value, list) and depth < _DEPTH:
        for inside in value:
            yield from _leaves(name, inside, depth + 1)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def _parsed(text: str) -> Any:
    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text
