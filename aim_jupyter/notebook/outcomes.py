"""How a notebook shows what a verb has answered: a table, a card, a handle, lines.

Tables come back as DataFrames; their card is shown below only when the DataFrame itself is the
cell's result.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any, cast

from IPython.core.interactiveshell import InteractiveShell

from aim_jupyter import display, figures, presenting, render, tables, verbs
from aim_jupyter.columns import Verb
from aim_jupyter.commands import Command
from aim_jupyter.conversation import Conversation
from aim_jupyter.core.errors import BadUsage, NoFit
from aim_jupyter.core.events import listening
from aim_jupyter.server import Server


class Outcomes:
    """The answers of one shell, with what it has to remember: conversations, and the last table."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self._last_table: Any = None
        self._last_answer: tuple[Any, Any] | None = None
        self._conversations: dict[str, Any] = {}
        self._show: dict[str, Callable[[Command, Namespace, Any], Any]] = {
            "status": self._show_card,
            "server": self._show_card,
            "doctor": self._show_card,
            "warm": self._show_card,
            "stats": self._show_card,
            "why": self._show_card,
            "fetched": self._show_fetched,
            "engine": self._show_engine,
            "launched": self._show_launched,
            "waiting": self._show_waiting,
            "attached": self._attached,
            "client": self._client,
            "reply": self._chat,
            "metrics": self._show_metrics,
            "events": self._show_events,
            "top": self._show_top,
            "lines": self._show_lines,
            "plan": self._show_plan,
            "fit": self._show_fit,
        }

    def of(self, command: Command, given: Namespace) -> Any:
        """Carry out a command, show its answer, and return its value."""
        progress = display.Progress()
        with listening(progress.say):
            answer = self._answer(command, given)
            if command.gives != "engine":
                # Of an install the lines stay: they say where the engine came from.
                progress.clear()
            return self._show.get(command.gives, self._table)(command, given, answer)

    @staticmethod
    def _answer(command: Command, given: Namespace) -> Any:
        """Return a command's answer; a launch that is refused shows its sum before it fails."""
        try:
            return command.run(given)
        except NoFit as error:
            card = presenting.refusal_card(error)
            if card is not None:
                display.show(card)
            raise

    def after_cell(self, result: Any) -> None:
        """Show the card of a table when the table itself is what the cell gave."""
        answer, self._last_answer = self._last_answer, None
        if answer is not None and result.result is not None and result.result is self._last_table:
            self._show_answer_card(*answer)
        self._last_table = None

    # -- one method per kind of answer -----------------------------------------------------------

    def _table(self, command: Command, _given: Namespace, answer: Any) -> Any:
        return self._frame(cast(Verb, command.gives), answer)

    def _frame(self, verb: Verb, answer: Any) -> Any:
        self._last_answer = (verb, answer)
        return self._marked(verb, verbs.frame(verb, answer))

    def _marked(self, verb: Verb, table: Any) -> Any:
        self._last_table = table
        table.attrs[presenting.MARK] = verb
        display.register_tables(self.shell, type(table))
        return table

    def _show_metrics(self, command: Command, given: Namespace, answer: Any) -> Any:
        if given.serve_metrics:
            raise BadUsage(
                "--serve-metrics is for the terminal: it stays.",
                "aim-engine metrics --serve-metrics",
            )
        if given.raw:
            return self._marked("raw", verbs.frame("raw", answer))
        if given.plot:
            return figures.plot(given.server, answer, given.to)
        if given.history:
            return self._marked("metrics", tables.timeline(answer))
        return self._table(command, given, answer)

    def _show_events(self, command: Command, given: Namespace, answer: Any) -> Any:
        if given.follow:
            return self._show_lines(command, given, map(render.event_line, answer))
        return self._table(command, given, answer)

    def _show_top(self, _command: Command, given: Namespace, answer: Any) -> None:
        if not given.off:
            display.top(answer)
        elif not display.end_top():
            raise BadUsage("No live view is running here.", "%aim top")

    def _show_fetched(self, _command: Command, _given: Namespace, fetches: Any) -> Any:
        fetched = display.fetch(fetches)
        return self._frame("cache", list(fetched)) if fetched else None

    def _show_card(self, command: Command, _given: Namespace, answer: Any) -> None:
        self._show_answer_card(command.gives, answer)

    def _show_answer_card(self, gives: Any, answer: Any) -> None:
        card = presenting.card(gives, answer)
        if card is not None:
            display.show(card)

    def _show_engine(self, _command: Command, _given: Namespace, environment: Any) -> None:
        self._print(f"{environment.name} is ready: {environment.engine} {environment.version}.")

    def _show_launched(self, _command: Command, _given: Namespace, folder: Any) -> Any:
        display.follow(folder)
        handle = Server(folder)
        handle.shown_in = self._cell_number()
        return handle

    def _show_waiting(self, _command: Command, given: Namespace, views: Iterator[Any]) -> Any:
        display.wait(views)
        handle = verbs.attach(given.server)
        handle.shown_in = self._cell_number()
        return handle

    def _attached(self, _command: Command, _given: Namespace, folder: Any) -> Any:
        return Server(folder)

    def _client(self, command: Command, given: Namespace, folder: Any) -> Any:
        handle = self._attached(command, given, folder)
        return handle.async_client if given.asynchronous else handle.client

    def _chat(self, command: Command, given: Namespace, folder: Any) -> None:
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

    def _show_plan(self, _command: Command, given: Namespace, plan: Any) -> Any:
        if given.batch:
            return list(plan)
        self._print(render.plan_text(plan))
        return None

    def _show_fit(self, command: Command, given: Namespace, answer: Any) -> Any:
        if given.history:
            return self._table(command, given, answer)
        if given.batch:
            return list(answer)
        return self._show_card(command, given, answer)

    # -- small things ----------------------------------------------------------------------------

    def _cell_number(self) -> int:
        return int(self.shell.execution_count)

    @staticmethod
    def _print(text: str) -> None:
        print(text, flush=True)  # noqa: T201 - a magic's output is the cell's
