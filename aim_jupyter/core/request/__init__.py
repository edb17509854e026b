"""What a user asks for: the record of a launch, its options, and the words that say them.

It stands below what serves, for a crash is answered by the line that mends it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
