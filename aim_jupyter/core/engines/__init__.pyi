from .environments import answered, choose, find, is_known
from .images import options
from .installation import install
from .probe import ask
from .probe_cache import Answer
from .runtimes import refusal
from .sources import SHIPPED, InstallPlatform

__all__ = [
    "SHIPPED",
    "Answer",
    "InstallPlatform",
    "answered",
    "ask",
    "choose",
    "find",
    "install",
    "is_known",
    "options",
    "refusal",
]
