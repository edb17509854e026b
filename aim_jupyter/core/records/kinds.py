"""What is read of structures by many threads at once.

msgspec (0.22) looks at the fields of a structure when it is first decoded. A second thread that
comes to it meanwhile finds it half looked at, and the whole process ends by SIGSEGV: a kernel with
two panels, a Jupyter server that two tabs ask. So each kind is looked at by one thread alone.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")

_ALONE = threading.RLock()
_LOOKED_AT: set[object] = set()


@overload
def resolved(kind: type[T]) -> type[T]: ...
@overload
def resolved(kind: Any) -> Any: ...
def resolved(kind: Any) -> Any:
    """Return `kind` when msgspec has looked at all that it is made of: to decode or convert to."""
    if kind not in _LOOKED_AT:
        with _ALONE:
            msgspec.json.Decoder(kind)
            _LOOKED_AT.add(kind)
    return kind
