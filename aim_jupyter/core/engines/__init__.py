"""Engine environments: which there are, which to use, and how to make one.

The engine (vLLM) lives in an environment of its own, since it pins half of the ecosystem. `find`
lists those that exist, `choose` picks one, `install` makes one, `ask` runs one interpreter to
learn what its engine is and accepts.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
