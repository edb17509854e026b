"""What a plan's command line says, whoever said it: recipe, profile or user.

A policy is about what will be loaded and opened, so it is read off the words that the engine gets,
with the keys inside of those that are JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.recipes.arguments.said import paths, said

#: Values of ``--load-format`` that name pickles; engines read them in any case.
PICKLES = ("pt", "npcache")
#: Keys that name something in the API, not on a disk.
_LABELS = ("name", "base_model_name")
#: What engines read as words of their own where a model or a folder could stand.
_WORDS = ("", "auto", "vllm", "none")


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


def opened(argv: Sequence[str], adapter: Adapter) -> Iterator[tuple[str, str]]:
    """Yield the options that name a path, but for those that are ours to say.

    It is no list of options: whatever names a path may be opened, or mounted into a container.

    Examples
    --------
    >>> from aim_jupyter.core import adapters
    >>> argv = ["--middleware", "aim_guard.Guard", "--hf-overrides", '{"a": ["/x"]}']
    >>> list(opened(argv, adapters.get("vllm")))
    [('hf-overrides.a', '/x')]
    """
    for name, path in paths(argv):
        if path != adapter.options.get(name):
            yield name, path


def remote_code(argv: Sequence[str], adapter: Adapter) -> str | None:
    """Return the option that lets a model bring code, None where none does."""
    option = adapter.option("trust_remote_code")
    return option if any(name == option and _is_on(value) for name, value in said(argv)) else None


def pickles(argv: Sequence[str], adapter: Adapter) -> str | None:
    """Return the option and value that has weights read as pickles, None where none does."""
    option = adapter.option("load_format")
    for name, value in said(argv):
        last = name.rpartition(".")[2].replace("_", "-")
        if last.endswith(option) and value.strip().casefold() in PICKLES:
            return f"{name} {value}"
    return None


def _is_on(value: str) -> bool:
    return value.casefold() != "false"
