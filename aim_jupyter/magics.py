"""The ``%aim`` magic: parse a line, call the core, show the answer.

Tables come back as DataFrames; their card is shown below only when the DataFrame itself is the
cell's result. Expected failures render as two lines (`AimError._render_traceback_`).
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any, cast

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, output_can_be_silenced

from aim_jupyter import parsing
from aim_jupyter.columns import Verb
from aim_jupyter.commands import Command
from aim_jupyter.completion import complete
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.events import listening


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


@magics_class
class AimMagics(Magics):
    """``%aim VERB …`` and ``%%aim chat``."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell=shell)
        self._last_table: Any = None
        self._last_answer: tuple[Any, Any] | None = None
        self._conversations: dict[str, Any] = {}
        self._show: dict[str, Callable[[Command, Namespace, Any], Any]] = {
            "status": self._show_card,
            "server": self._show_card,
            "doctor": self._show_card,
            "engine": self._show_engine,
            "launched": self._show_launched,
            "waiting": self._show_waiting,
            "attached": self._attached,
            "client": self._client,
            "reply": self._chat,
            "lines": self._show_lines,
            "help": self._show_help,
        }

    @line_cell_magic
    @output_can_be_silenced
    def aim(self, line: str, cell: str | None = None) -> Any:
        """Serve language models: %aim help lists the verbs, %aim help VERB explains one."""
        try:
            command, given = parsing.parse(parsing.split(line))
        except parsing.HelpAsked as asked:
            return self._print(str(asked))
        if command.terminal:
            raise BadUsage(f"{command.name} is for the terminal.", "%aim launch, then %aim logs -f")
        if cell is not None:
            if not command.cell:
                raise BadUsage(f"%%aim {command.name} takes no body.", f"%aim {command.name}")
            given.body = cell.strip()
        with listening(self._progress):
            answer = command.run(given)
            return self._show.get(command.gives, self._table)(command, given, answer)

    def after_cell(self, result: Any) -> None:
        """Show the card of a table when the table itself is what the cell gave."""
        answer, self._last_answer = self._last_answer, None
        if answer is not None and result.result is not None and result.result is self._last_table:
            self._show_answer_card(*answer)
        self._last_table = None

    # -- one method per kind of answer -----------------------------------------------------------

    def _table(self, command: Command, _given: Namespace, answer: Any) -> Any:
        from aim_jupyter import verbs  # noqa: PLC0415 - pandas only when a table is asked for

        self._last_table = verbs.frame(cast(Verb, command.gives), answer)
        self._last_answer = (command.gives, answer)
        return self._last_table

    def _show_card(self, command: Command, _given: Namespace, answer: Any) -> None:
        self._show_answer_card(command.gives, answer)

    def _show_answer_card(self, gives: Any, answer: Any) -> None:
        from aim_jupyter import display, presenting  # noqa: PLC0415

        card = presenting.card(gives, answer)
        if card is not None:
            display.show(card)

    def _show_engine(self, _command: Command, _given: Namespace, environment: Any) -> None:
        self._print(f"{environment.name} is ready: {environment.engine} {environment.version}.")

    def _show_launched(self, _command: Command, _given: Namespace, folder: Any) -> Any:
        from aim_jupyter import display, server  # noqa: PLC0415

        display.follow(folder)
        handle = server.Server(folder)
        handle.shown_in = self._cell_number()
        return handle

    def _show_waiting(self, _command: Command, given: Namespace, views: Iterator[Any]) -> Any:
        from aim_jupyter import display, verbs  # noqa: PLC0415

        display.wait(views)
        handle = verbs.attach(given.server)
        handle.shown_in = self._cell_number()
        return handle

    def _attached(self, _command: Command, _given: Namespace, folder: Any) -> Any:
        from aim_jupyter.server import Server  # noqa: PLC0415

        return Server(folder)

    def _client(self, command: Command, given: Namespace, folder: Any) -> Any:
        handle = self._attached(command, given, folder)
        return handle.async_client if given.asynchronous else handle.client

    def _chat(self, command: Command, given: Namespace, folder: Any) -> None:
        from aim_jupyter import display  # noqa: PLC0415
        from aim_jupyter.conversation import Conversation  # noqa: PLC0415

        text = getattr(given, "body", "") or given.say
        if not text:
            raise BadUsage(
                "There is nothing to say.", "write it below %%aim chat, in the same cell"
            )
        conversation = self._conversations.get(folder.name)
        if conversation is None or given.new or given.system:
            handle = self._attached(command, given, folder)
            conversation = self._conversations[folder.name] = Conversation(handle, given.system)
        options = {"max_tokens": given.max_tokens, "temperature": given.temperature}
        display.reply(conversation.say(text, **options))

    def _show_lines(self, _command: Command, _given: Namespace, lines: Any) -> None:
        try:
            for line in lines:
                self._print(line)
        except KeyboardInterrupt:
            # Interrupting is how following ends; it is no failure of the cell.
            return

    def _show_help(self, _command: Command, _given: Namespace, verb: list[str]) -> None:
        self._print(parsing.help_text(verb))

    # -- small things ----------------------------------------------------------------------------

    def _cell_number(self) -> int:
        return int(self.shell.execution_count) if self.shell is not None else 0

    def _progress(self, line: str) -> None:
        self._print(line)

    @staticmethod
    def _print(text: str) -> None:
        print(text, flush=True)  # noqa: T201 - a magic's output is the cell's
