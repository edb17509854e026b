"""Every AMD GPU of the node, truthfully: what there is, who holds it, and what may be used.

`machine` reads sysfs alone, in milliseconds, and opens no device. `enrich` asks the vendor's tools
as well, in subprocesses with a time limit; `from_file` reads what one of them printed elsewhere.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
