"""What is wrong with a hint: each is typed as a notebook and as a shell would have it."""

from __future__ import annotations

import ast
import functools
import re
import shlex

from aim_jupyter.cli.wording import ours
from aim_jupyter.commands import parsing
from aim_jupyter.core import hints
from aim_jupyter.core.errors import AimError

#: Words of ours that stand for what we can't know, and prose that is no argument.
_PROSE = re.compile(r"[,;] |(?: or | then |: )|…")


@functools.cache
def wrong(hint: str) -> str:
    """Return what is wrong with a hint, empty where it runs or only advises."""
    kind = hints.kind(hint)
    try:
        if kind == "aim":
            parsing.parse(parsing.split(re.sub(r"^(\w+ = )?%{1,2}aim", "", hint)))
            return _in_shell(ours(hint))
        if kind == "python":
            ast.parse(hint)
        if kind == "shell":
            prose = _PROSE.search(re.sub(r"'[^']*'|\"[^\"]*\"", "", hint))
            return f"prose: {prose[0]!r}" if prose else _in_shell(hint)
    except parsing.HelpAsked:
        return ""
    except (AimError, SyntaxError, ValueError) as error:
        return str(error)
    return "a line within advice" if "%aim" in hint else ""


def _in_shell(line: str) -> str:
    program, *words = shlex.split(line)
    if program == parsing.PROGRAM:
        parsing.parse(words)
    elif hints.kind(line) != "shell":
        return f"no shell: {line}"
    return ""
