"""What a model does for who asks it, in one word each."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

#: ``completion`` without ``chat`` is a base model's; ``audio`` is heard in a chat, ``speech`` is
#: written down; ``rerank`` also gives scores.
Ability = Literal[
    "chat", "completion", "tools", "json", "thinking", "vision", "audio", "speech",
    "embed", "rerank", "classify",
]  # fmt: skip
ABILITIES: tuple[Ability, ...] = get_args(Ability)
"""In the order in which they are told."""

GENERATED: frozenset[Ability] = frozenset(
    ("chat", "completion", "tools", "json", "thinking", "vision", "audio")
)
"""What is done by writing text."""


def in_order(found: Collection[str]) -> tuple[Ability, ...]:
    """Return the abilities among some words, in the order in which they are told.

    Examples
    --------
    >>> in_order({"tools", "chat", "flying"})
    ('chat', 'tools')
    """
    return tuple(each for each in ABILITIES if each in found)


def confirmed(does: Collection[str], tasks: Collection[str]) -> tuple[Ability, ...]:
    """Return what remains, and comes to light, when the engine has said its tasks.

    Parameters
    ----------
    does : collection of str
        What was expected before the start.
    tasks : collection of str
        As vLLM calls them: ``generate``, ``embed``, ``classify``, ``token_embed``,
        ``transcription``; empty where it said nothing.

    Examples
    --------
    >>> confirmed(("chat", "completion", "json"), ("embed", "token_embed"))
    ('embed',)
    """
    if not tasks:
        return in_order(does)
    found: set[str] = {"embed", "classify"} & set(tasks)
    if "generate" in tasks:
        found |= GENERATED.intersection(does) or {"chat", "completion", "json"}
    if "transcription" in tasks:
        found.add("speech")
    if {"classify", "token_embed"} & set(tasks):
        found |= {"rerank"}.intersection(does)
    return in_order(found)
