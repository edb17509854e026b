"""What a hint is: a line that runs where it is read, or advice; and how each front end writes it.

The core writes lines as a notebook has them (``%aim …``), those of a shell without a mark. What is
neither is advice: it is never offered to be pasted.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["aim", "shell", "python", "advice"]

#: Programs that a hint may name; their lines begin with ``!`` in a notebook.
PROGRAMS = (
    *("aim-engine", "apt", "apt-get", "chmod", "chown", "docker", "getent", "journalctl", "kill"),
    *("ls", "mkdir", "nerdctl", "pip", "podman", "rm", "sudo"),
)
_AIM = re.compile(r"(?:\w+ = )?%{1,2}aim\b")
_PYTHON = re.compile(r"aim\.\w+\(")
_ASSIGNED = re.compile(r"\b\w+ = (?=%aim\b)")
_CLIENT = re.compile(r"\bclient = %aim client(?: (\S+))?")


def kind(hint: str) -> Kind:
    """Return what a hint is.

    Examples
    --------
    >>> kind("%aim launch demo"), kind("pip install pyarrow"), kind("close the quote")
    ('aim', 'shell', 'advice')
    """
    first = hint.partition(" ")[0]
    if _AIM.match(hint):
        return "aim"
    if first.rpartition("/")[2] in PROGRAMS or first in ("%pip", "eval"):
        return "shell"
    return "python" if _PYTHON.match(hint) else "advice"


def told(hint: str) -> str:
    """Return a hint with its mark: only a line is there to be tried.

    Examples
    --------
    >>> told("%aim gpus"), told("close the quote"), told("")
    ('Try: %aim gpus', 'To do: close the quote', '')
    """
    if not hint:
        return ""
    return f"To do: {hint}" if kind(hint) == "advice" else f"Try: {hint}"


def in_notebook(hint: str) -> str:
    """Return a hint as a cell takes it: a line of a shell begins with a mark there.

    Examples
    --------
    >>> in_notebook("pip install pyarrow"), in_notebook("sudo modprobe amdgpu")
    ('%pip install pyarrow', '!sudo modprobe amdgpu')
    """
    if kind(hint) != "shell" or hint.startswith("%"):
        return hint
    return f"%{hint}" if hint.startswith("pip ") else f"!{hint}"


def in_shell(text: str, program: str) -> str:
    """Return a text of the core with its lines as a shell takes them.

    Parameters
    ----------
    program : str
        What stands for ``%aim`` there.

    Examples
    --------
    >>> in_shell("server = %aim launch demo", "aim-engine")
    'aim-engine launch demo'
    """
    text = _CLIENT.sub(_exported, text)
    text = _ASSIGNED.sub("", text).replace("%pip ", "pip ")
    return text.replace("%%aim", program).replace("%aim", program)


def _exported(found: re.Match[str]) -> str:
    """Return the line that gives a shell what a notebook has as a client."""
    name = f" {found[1]}" if found[1] else ""
    return f'eval "$(%aim client{name} --export)"'
