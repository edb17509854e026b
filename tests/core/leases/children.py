"""Another process that takes and looks at leases, as another user where that is said."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

Child = subprocess.Popen[str]


def child(code: str, *, user: int | None = None, fds: tuple[int, ...] = ()) -> Child:
    """Start a Python that imports the leases and runs `code`; it talks by lines."""
    # Imported before the user changes: root's interpreter may lie where others can't read.
    become = f"os.setgroups([]); os.setgid({user}); os.setuid({user})\n" if user else ""
    script = (
        "import fcntl, json, os, subprocess, sys, time\nfrom aim_jupyter.core import leases\n"
        "from aim_jupyter.core.errors import GpuUnavailable\nos.chdir('/')\n" + become + code
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=fds,
    )


def line(process: Child) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def done(process: Child) -> str:
    out, _ = process.communicate("", timeout=120)
    return out.strip()


A, B, C = (f"0000:{bus}:00.0-0" for bus in ("0c", "22", "38"))
ALICE, BOB, CAROL = 64001, 64002, 64003
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")
