"""The one core that every front end calls: magics, command, Python API and REST.

Each function answers with records of `aim_jupyter.core.records` or raises an `AimError`; none
prints, and none knows how its answer will be shown.

Its names stand in the stub beside it; each module is imported when the first of its names is used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
