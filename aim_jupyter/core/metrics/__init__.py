"""What a server is doing: one scrape of its metrics, the figures between two, and the past."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
