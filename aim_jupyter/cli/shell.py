"""Completion in a shell: the script that it reads once, and what it is offered at each Tab."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.commands import completion
from aim_jupyter.core.errors import BadUsage

# Where nothing is offered a shell offers files: a model may be a folder.
_BASH = """_aim_engine() {
    local IFS=$'\\n'
    COMPREPLY=($(aim-engine --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _aim_engine aim-engine
"""
SCRIPTS = {"bash": _BASH, "zsh": f"autoload -U +X bashcompinit && bashcompinit\n{_BASH}"}


def script(shell: str) -> str:
    """Return what a shell evaluates to complete lines of ours.

    Raises
    ------
    BadUsage
        If it is a shell that we have none for.
    """
    if shell not in SCRIPTS:
        found = f"There is no completion for {shell or 'a shell without a name'}."
        raise BadUsage(found, f'eval "$(aim-engine --completion {next(iter(SCRIPTS))})"')
    return SCRIPTS[shell]


def offers(words: Sequence[str]) -> list[str]:
    """Return what the last of `words` can become, which has been begun.

    Examples
    --------
    >>> offers(["launch", "--pre"])
    ['--precision']
    """
    *before, begun = words or [""]
    return [offer for offer in completion.candidates(before) if offer.startswith(begun)]
