"""Runs a module as ``python -m`` does, in a process group that ends when whoever started it ends.

Started by its path, as the leader of a group, so standard library only. Arguments: the process id
of the starter, the module, the module's own arguments. A killed install thus leaves no pip behind
that goes on writing.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def bind(parent: int) -> None:
    """Have the whole group killed as soon as the process `parent` is gone."""

    def end(*_: object) -> None:
        os.killpg(0, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it went before we could ask
        end()


def run(module: str) -> None:
    """Run `module` in a process of its own: this one must stay free to notice the signal."""
    child = os.fork()
    if not child:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    _, status = os.waitpid(child, 0)
    sys.exit(abs(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    bind(int(sys.argv[1]))
    del sys.argv[0:2]
    run(sys.argv[0])
