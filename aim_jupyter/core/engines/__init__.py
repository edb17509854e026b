"""Engine environments: which there are, which to use, and how to make one.

The engine (vLLM) lives in an environment of its own, since it pins half of the ecosystem. `find`
lists those that exist, `choose` picks one, `install` makes one, `ask` runs one interpreter to
learn what its engine is and accepts.
"""

from aim_jupyter.core.engines.answers import Answer
from aim_jupyter.core.engines.asking import ask
from aim_jupyter.core.engines.environments import choose, find, is_known
from aim_jupyter.core.engines.images import options
from aim_jupyter.core.engines.installation import install
from aim_jupyter.core.engines.runtimes import refusal
from aim_jupyter.core.engines.sources import InstallPlatform

__all__ = [
    "Answer",
    "InstallPlatform",
    "ask",
    "choose",
    "find",
    "install",
    "is_known",
    "options",
    "refusal",
]
