"""Engines behind one seam: an `Adapter` is what the rest of this tool knows of one.

`get` returns that of an engine by name, `known` all of them. An adapter is a folder with TOML
files and a ``describe.py``, read by `read`; ``vllm/`` here is the first. How to add one from
outside is said in ``docs/engines.md``.
"""

from aim_jupyter.core.adapters.adapter import (
    Adapter,
    Health,
    Modes,
    Stop,
    filled,
    is_installed,
)
from aim_jupyter.core.adapters.address import Key, Listen
from aim_jupyter.core.adapters.log import Log
from aim_jupyter.core.adapters.measures import Metrics
from aim_jupyter.core.adapters.registry import (
    GROUP,
    Refused,
    Registry,
    checked,
    get,
    is_known,
    known,
    of,
    read,
    registered,
    title,
)
from aim_jupyter.core.adapters.rules import Change, FailureRule, StageRule, words
from aim_jupyter.core.adapters.settings import SETTINGS, Setting
from aim_jupyter.core.adapters.translation import Translation, in_words_of, translate

__all__ = [
    "GROUP",
    "SETTINGS",
    "Adapter",
    "Change",
    "FailureRule",
    "Health",
    "Key",
    "Listen",
    "Log",
    "Metrics",
    "Modes",
    "Refused",
    "Registry",
    "Setting",
    "StageRule",
    "Stop",
    "Translation",
    "checked",
    "filled",
    "get",
    "in_words_of",
    "is_installed",
    "is_known",
    "known",
    "of",
    "read",
    "registered",
    "title",
    "translate",
    "words",
]
