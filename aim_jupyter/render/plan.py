"""A plan as text: what would be started, with what, where, and why."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def plan_text(plan: Mapping[str, Any]) -> str:
    """Return a plan for reading; the command runs as it stands, but for host, port and key.

    Parameters
    ----------
    plan : mapping
        With at least ``recipe_id origin argv env gpus reasons changes``, and ``does``.
    """
    gpus = ", ".join(map(str, plan["gpus"]))
    rows = [
        ("Model", [plan["model"]]),
        ("Recipe", [f"{plan['recipe_id']} ({plan['origin']})"]),
        ("Does", [", ".join(plan["does"])] if plan.get("does") else []),
        ("Devices", [f"GPU {gpus}" if gpus else "CPU"]),
        ("Command", _command(plan["argv"])),
        ("Environment", [f"{name}={shlex.quote(value)}" for name, value in plan["env"].items()]),
        ("Because", plan["reasons"]),
        ("Changed", plan["changes"]),
    ]
    return "\n".join(line for name, lines in rows for line in _row(name, lines))


def _row(name: str, lines: Iterable[str]) -> Iterator[str]:
    for position, line in enumerate(lines):
        yield f"{'' if position else name:<12} {line}"


def _command(argv: Iterable[str]) -> list[str]:
    """Return one option a line."""
    lines: list[str] = []
    for word in argv:
        if not lines or word.startswith("--"):
            lines.append(shlex.quote(word))
        else:
            lines[-1] += " " + shlex.quote(word)
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]
