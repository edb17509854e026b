"""Which Jupyter server a launch belongs to, for servers that are to end with it.

How it is determined, in this order:

1. ``JPY_PARENT_PID``, which jupyter_client sets in a kernel to the process that started it, if that
   is an ancestor of this process: a gateway's kernel may have the number of another machine.
2. The nearest ancestor whose command line is that of a Jupyter server: a terminal in JupyterLab has
   no such variable.

It is remembered by pid, start time and boot id, so that a later process with its number is not
taken for it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import ProcessId
from aim_jupyter.core.serving.state.process import identify, parent

_PROGRAMS = frozenset(
    {"jupyter-lab", "jupyter-labhub", "jupyter-notebook", "jupyter-server", "jupyterhub-singleuser"}
)
_MODULES = frozenset({"jupyterlab", "notebook", "jupyter_server", "jupyterhub.singleuser"})
_VERBS = frozenset({"lab", "notebook", "server", "labhub"})


def jupyter_server() -> ProcessId:
    """Return the Jupyter server above this process.

    Raises
    ------
    BadUsage
        If there is none.
    """
    above = list(_ancestors())
    told = os.environ.get("JPY_PARENT_PID", "")
    if told.isdecimal() and int(told) in above:
        above = [int(told)]
    else:
        above = [pid for pid in above if _is_server(_words(pid))]
    for pid in above:
        known = identify(pid)
        if known is not None:
            return known
    raise BadUsage(
        "No Jupyter server was found above this process.",
        "leave out --with-jupyter, or launch from a notebook or a terminal of Jupyter",
    )


def _ancestors() -> Iterator[int]:
    # Beginning with this one: the server's own extension launches too.
    pid = os.getpid()
    while pid > 1:
        yield pid
        pid = parent(pid) or 0


def _is_server(words: list[str]) -> bool:
    """Whether it is ``jupyter-lab …``, ``jupyter lab …``, ``python -m jupyterlab …``."""
    # A script's own name comes second, after the interpreter's.
    first = 1 if words and Path(words[0]).name.startswith("python") else 0
    names = [Path(word).name for word in words[first : first + 1]]
    if _PROGRAMS.intersection(names):
        return True
    if "-m" in words[:-1] and words[words.index("-m") + 1] in _MODULES:
        return True
    if "jupyter" not in names:
        return False
    return bool(_VERBS.intersection(words[first + 1 : first + 2]))


def _words(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    return []
