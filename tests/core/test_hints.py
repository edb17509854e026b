"""What is a line and what is advice, and how each front end writes a line."""

from __future__ import annotations

import pytest

from aim_jupyter.core import hints


@pytest.mark.parametrize(
    ("hint", "kind", "notebook", "shell"),
    [
        ("%aim gpus", "aim", "%aim gpus", "aim-engine gpus"),
        ("server = %aim launch", "aim", "server = %aim launch", "aim-engine launch"),
        ("%pip install x", "shell", "%pip install x", "pip install x"),
        ("pip install x", "shell", "%pip install x", "pip install x"),
        ("/usr/bin/podman info", "shell", "!/usr/bin/podman info", "/usr/bin/podman info"),
        ("aim.launch('demo')", "python", "aim.launch('demo')", "aim.launch('demo')"),
        ("close the quote", "advice", "close the quote", "close the quote"),
    ],
)
def test_each_kind_is_told_apart(hint: str, kind: str, notebook: str, shell: str) -> None:
    assert hints.kind(hint) == kind
    assert hints.in_notebook(hint) == notebook
    assert hints.in_shell(hint, "aim-engine") == shell
    assert hints.told(hint).startswith("To do: " if kind == "advice" else "Try: ")


def test_a_client_is_what_a_shell_evaluates() -> None:
    line = hints.in_shell("client = %aim client demo", "aim-engine")
    assert line == 'eval "$(aim-engine client demo --export)"'
