"""Models on disk: what is there, whether it suffices to start, and how it gets there and away."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
