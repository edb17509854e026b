"""What a notebook's user has of us: a line comes in, its answer is shown.

What shows answers is imported by the first verb that needs it: a panel is drawn without.
"""

from __future__ import annotations

import contextlib
import functools
import shlex
from argparse import Namespace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from aim_jupyter.commands import handlers, looks, parsing
from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage

if TYPE_CHECKING:
    from aim_jupyter.notebook.outcomes import Outcomes


def _no_body(verb: str, line: str, cell: str) -> BadUsage:
    """Return the error of a cell whose verb takes no body: alone it is meant for a chat."""
    found = f"{f'%%aim {verb}'.rstrip()} takes no body."
    if verb:
        return BadUsage(found, f"%aim {line.strip()}")
    said = next((each.strip() for each in cell.splitlines() if each.strip()), "Hello")
    return BadUsage(found, f"%aim chat --say {shlex.quote(said)}")


class Session:
    """The verbs of one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell

    @functools.cached_property
    def outcomes(self) -> Outcomes:
        """What shows the answers."""
        from aim_jupyter.notebook.outcomes import Outcomes  # noqa: PLC0415 - tables and cards, no panel

        return Outcomes(self.shell)

    def run(self, line: str, cell: str | None = None) -> Any:
        """Carry out one line, show its answer, and return its value."""
        # A launch whose words are wrong is a launch that failed.
        with api.launching() if line.split()[:1] == ["launch"] else contextlib.nullcontext():
            try:
                command, given = parsing.parse(parsing.split(self._expanded(line)))
            except parsing.HelpAsked as asked:
                return self._print(str(asked))
        if command.terminal:
            raise BadUsage(f"{command.name} is for the terminal.", "%aim launch")
        if cell is not None:
            if not command.cell:
                raise _no_body(command.name, line, cell)
            given.body = cell.strip()
        if command.gives is looks.PANEL:
            return self._open_panel(given)
        if command.gives is looks.HELP:
            return self._print(parsing.help_text(given.verb))
        return self.outcomes.of(command, given)

    def _expanded(self, line: str) -> str:
        """Put in what ``{name}`` and ``$name`` stand for; of a map ``{name}`` is a column."""
        if line.split(maxsplit=1)[:1] == ["map"]:
            return line
        shell: Any = self.shell
        return str(shell.var_expand(line))

    def after_cell(self, result: Any) -> None:
        """Show the card of a table when the table itself is what the cell gave."""
        if "outcomes" in vars(self):
            self.outcomes.after_cell(result)

    def _open_panel(self, given: Namespace) -> Any:
        if find_spec("ipywidgets") is None:
            return self._print(api.launch_line(handlers.request(given)))
        from aim_jupyter.panel import state, view  # noqa: PLC0415 - ipywidgets, for a panel only

        return view.Panel(state.Form(chosen=handlers.asked(given)))

    @staticmethod
    def _print(text: str) -> None:
        print(text, flush=True)  # noqa: T201 - a magic's output is the cell's
