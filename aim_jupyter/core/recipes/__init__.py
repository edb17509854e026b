"""Recipes: what is known about serving a model.

What is imported is what is used: the words of a line need none of the catalogue.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
