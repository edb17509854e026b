"""One verb: what it takes, what runs, and how its answer looks."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any, NamedTuple

from aim_jupyter.commands.arguments import Argument
from aim_jupyter.commands.looks import Look


class Command(NamedTuple):
    """One verb.

    Attributes
    ----------
    open : bool
        Whether options that are not ours are the engine's, and collected in `engine_options`.
    cell : str
        What the body of a cell magic is, empty where the verb takes none.
    also : str
        Another name of the verb.
    terminal : bool
        Whether it makes sense in a terminal only.
    passes : bool
        Whether what follows ``--`` is a program's line, in `given.program`.
    """

    name: str
    help: str
    run: Callable[[Namespace], Any]
    gives: Look | Callable[[Namespace], Look]
    arguments: tuple[Argument, ...] = ()
    open: bool = False
    cell: str = ""
    also: str = ""
    terminal: bool = False
    passes: bool = False

    def look(self, given: Namespace) -> Look:
        """Return how the answer to these options looks."""
        return self.gives if isinstance(self.gives, Look) else self.gives(given)
