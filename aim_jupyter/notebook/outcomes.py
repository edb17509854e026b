"""How a notebook shows what a verb has answered: a table, a card, a handle, lines.

Tables come back as DataFrames; their card is shown below only when the DataFrame itself is the
cell's result.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from aim_jupyter import verbs
from aim_jupyter.commands import looks, presenting, work
from aim_jupyter.commands.command import Command
from aim_jupyter.commands.looks import Look
from aim_jupyter.core.errors import BadUsage, NoFit, UnknownName, closed_files
from aim_jupyter.core.events import listening
from aim_jupyter.notebook import display
from aim_jupyter.tables import figures, frames
from aim_jupyter.tables.columns import Verb
from aim_jupyter.verbs.conversation import Conversation
from aim_jupyter.verbs.server import Server
from aim_jupyter.work import connect


class Outcomes:
    """The answers of one shell, with what it has to remember: conversations, and the last table."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self._last_table: Any = None
        self._last_answer: tuple[Any, Any] | None = None
        self._conversations: dict[str, Any] = {}
        self._own: dict[Look, Callable[[Namespace, Any], Any]] = {
            looks.LAUNCHED: self._launched,
            looks.WAITING: self._waiting,
            looks.FETCHED: self._fetched,
            looks.ATTACHED: self._attached,
            looks.CLIENT: self._client,
            looks.ENV: self._env,
            looks.EXPORT: self._export,
            looks.REPLY: self._reply,
            looks.TOP: self._top,
            looks.HISTORY: self._history,
            looks.FIGURE: self._figure,
            looks.EXPORTER: self._exporter,
            looks.GATEWAY: self._gateway,
            looks.ALL: self._all,
            looks.ANSWERS: self._answers,
            looks.MAPPED: self._map,
        }

    def of(self, command: Command, given: Namespace) -> Any:
        """Carry out a command, show its answer, and return its value."""
        progress = display.Progress()
        with listening(progress.say):
            # What words of the line may stand for.
            given.names = self.shell.user_ns
            look = command.look(given)
            answer = self._answer(command, given)
            if look is not looks.ENGINE:
                # Of an install the lines stay: they say where the engine came from.
                progress.clear()
            return self._show(look, given, answer)

    def _show(self, look: Look, given: Namespace, answer: Any) -> Any:
        if look in self._own:
            return self._own[look](given, answer)
        if look.text is not None:
            return self._lines(look.text(answer))
        if look.table is not None:
            return self._table(look, answer)
        return self._card(look, answer)

    @staticmethod
    def _answer(command: Command, given: Namespace) -> Any:
        """Return a command's answer; a launch that is refused shows its sum before it fails."""
        try:
            with closed_files():
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
            self._card(*answer)
        self._last_table = None

    # -- what is shown of a look -----------------------------------------------------------------

    def _table(self, look: Look, answer: Any) -> Any:
        assert look.table is not None  # noqa: S101 - else it is no table
        self._last_answer = (look, answer)
        return self._marked(look.table, verbs.frame(look.table, answer))

    def _marked(self, verb: Verb, table: Any) -> Any:
        self._last_table = table
        table.attrs[presenting.MARK] = verb
        display.register_tables(self.shell, type(table))
        return table

    @staticmethod
    def _card(look: Look, answer: Any) -> None:
        card = look.card(answer) if look.card else None
        if card is not None:
            display.show(card)

    @staticmethod
    def _lines(lines: Iterable[str]) -> None:
        try:
            for line in lines:
                print(line, flush=True)  # noqa: T201 - a magic's output is the cell's
        except KeyboardInterrupt:
            # Interrupting is how following ends; it is no failure of the cell.
            return

    # -- what a notebook has its own way for -----------------------------------------------------

    def _history(self, _given: Namespace, past: Any) -> Any:
        return self._marked("metrics", frames.timeline(past))

    @staticmethod
    def _figure(given: Namespace, answer: Any) -> Any:
        return figures.plot(given.server, answer, given.to)

    @staticmethod
    def _exporter(_given: Namespace, _answer: Any) -> None:
        raise BadUsage(
            "--serve-metrics is for the terminal: it stays.", "aim-engine metrics --serve-metrics"
        )

    @staticmethod
    def _gateway(given: Namespace, _answer: Any) -> Any:
        return verbs.gateway(given.port)

    @staticmethod
    def _all(given: Namespace, _answer: Any) -> Any:
        there = verbs.gateway()
        return there.async_client if given.asynchronous else there.client

    @staticmethod
    def _answers(_given: Namespace, answers: Any) -> Any:
        return list(answers)

    @staticmethod
    def _top(given: Namespace, answer: Any) -> None:
        if not given.off:
            display.top(answer)
        elif not display.end_top():
            raise BadUsage("No live view is running here.", "%aim top")

    def _map(self, given: Namespace, _: Any) -> Any:
        names = self.shell.user_ns
        if given.table not in names:
            raise UnknownName("table", given.table, [name for name in names if name[0] != "_"])
        return verbs.map(names[given.table], **work.mapping(given, names))

    def _fetched(self, _given: Namespace, fetches: Any) -> Any:
        fetched = display.fetch(fetches)
        return self._table(looks.CACHE, list(fetched)) if fetched else None

    def _launched(self, _given: Namespace, folder: Any) -> Any:
        display.follow(folder)
        return self._shown_here(Server(folder))

    def _waiting(self, given: Namespace, views: Iterator[Any]) -> Any:
        display.wait(views)
        return self._shown_here(verbs.attach(given.server))

    def _shown_here(self, handle: Server) -> Server:
        handle.shown_in = int(self.shell.execution_count)
        return handle

    @staticmethod
    def _attached(_given: Namespace, folder: Any) -> Any:
        return Server(folder)

    @staticmethod
    def _client(given: Namespace, folder: Any) -> Any:
        handle = Server(folder)
        return handle.async_client if given.asynchronous else handle.client

    @staticmethod
    def _env(_given: Namespace, folder: Any) -> None:
        said = connect.environment(folder)
        os.environ.update(said)
        print(f"{' and '.join(said)} are {folder.name}'s in this kernel.")  # noqa: T201 - as a magic

    @staticmethod
    def _export(_given: Namespace, folder: Any) -> None:
        found = "A notebook would keep the key that these lines hold."
        raise BadUsage(found, f"%aim client {folder.name} --env")

    def _reply(self, given: Namespace, folder: Any) -> None:
        text = getattr(given, "body", "") or given.say
        if not text:
            raise BadUsage("There is nothing to say.", "%aim chat --say Hello")
        conversation = self._conversations.get(folder.name)
        if conversation is None or given.new or given.system:
            conversation = Conversation(Server(folder), given.system)
            self._conversations[folder.name] = conversation
        options = {"max_tokens": given.max_tokens, "temperature": given.temperature}
        display.reply(conversation.say(text, **options))
