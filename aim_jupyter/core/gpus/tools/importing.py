"""Whether an engine's interpreter can import amdsmi, without which vLLM finds no platform."""

from __future__ import annotations

import os
from pathlib import Path

from aim_jupyter.core.gpus.tools import running
from aim_jupyter.core.records.status import Check

# Loading the library alone tells: initialising it may hang (facts 1.1).
_CODE = "import amdsmi; print(getattr(amdsmi, '__version__', 'of unknown version'))"
_LIMIT_S = 10.0


def check(python: Path) -> Check:
    """Import amdsmi in that interpreter, in a process that is killed where it hangs."""
    answer = running.ask((os.fspath(python), "-c", _CODE), _LIMIT_S, os.environ)
    said = [line.strip() for line in answer.text.splitlines() if line.strip()]
    if answer.trouble is None:
        version = said[-1] if said else ""
        return Check(name="amdsmi", good=True, found=f"The engine imports amdsmi {version}.")
    last = said[-1] if said else answer.trouble
    return Check(
        name="amdsmi",
        good=False,
        found=f"The engine can't import amdsmi, so vLLM finds no platform: {last}",
        fix=f"{python} -m pip install /opt/rocm/share/amd_smi",
    )
