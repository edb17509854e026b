"""What users see: each card as HTML and as text, from the records alone.

Pure functions without IPython: the front ends decide where a card is shown. How cards look and
read is laid down in the design; `tests/render/gallery.py` shows them all.

Its names stand in the stub beside it; each module is imported when the first of its names is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
