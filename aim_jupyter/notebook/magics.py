"""The ``%aim`` magic: as little as `%load_ext` has to pay for.

Everything else, `aim_jupyter.notebook.session` and what it stands on, is imported by the first
``%aim``.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from IPython.core.completer import CompletionContext, SimpleMatcherResult, context_matcher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import (
    Magics,
    cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
    output_can_be_silenced,
)

if TYPE_CHECKING:
    from aim_jupyter.notebook.session import Session


def load(shell: InteractiveShell) -> None:
    """Register the magic, its completion and the hook that shows cards below tables."""
    magics = AimMagics(shell=shell)
    shell.register_magics(magics)
    shell.events.register("post_run_cell", magics.after_cell)
    if shell.Completer is not None:
        shell.Completer.custom_matchers.append(complete)


def unload(shell: InteractiveShell) -> None:
    """Undo `load`."""
    for kind in ("line", "cell"):
        magic = shell.magics_manager.magics[kind].pop("aim", None)
        owner = getattr(magic, "__self__", None)
        if kind == "line" and isinstance(owner, AimMagics):
            shell.events.unregister("post_run_cell", owner.after_cell)
    if shell.Completer is not None and complete in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(complete)


@context_matcher()
def complete(context: CompletionContext) -> SimpleMatcherResult:
    """Complete a line of ours, nothing elsewhere."""
    if "%aim" not in context.line_with_cursor:
        return {"completions": [], "suppress": False}
    from aim_jupyter.commands.completion import matches  # noqa: PLC0415 - by the first Tab after %aim

    return matches(context)


@magics_class
class AimMagics(Magics):
    """``%aim VERB …`` and ``%%aim chat``."""

    @functools.cached_property
    def session(self) -> Session:
        """What carries the lines out."""
        from aim_jupyter.notebook.session import Session  # noqa: PLC0415 - by the first %aim

        assert self.shell is not None  # noqa: S101 - `load` has given it
        return Session(self.shell)

    @line_magic
    @output_can_be_silenced
    @no_var_expand
    def aim(self, line: str) -> Any:
        """Serve language models: %aim help lists the verbs, %aim help VERB explains one."""
        return self.session.run(line)

    # A cell is a prompt, and what would silence it is looked for by reading it as Python.
    @cell_magic("aim")  # type: ignore[arg-type]
    @no_var_expand
    def aim_cell(self, line: str, cell: str) -> Any:
        """Give a verb a cell: %%aim chat asks a model, and streams its reply."""
        return self.session.run(line, cell)

    def after_cell(self, result: Any) -> None:
        """Show the card of a table when the table itself is what the cell gave."""
        if "session" in vars(self):
            self.session.after_cell(result)
