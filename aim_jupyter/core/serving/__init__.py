"""Servers: launched, watched by a supervisor each, found again from any process, and stopped.

What is imported is what is used: looking at servers needs nothing of what starts one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
