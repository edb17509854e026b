"""`Server`: what ``%aim launch`` and `aim_jupyter.launch` hand out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from aim_jupyter.commands import presenting
from aim_jupyter.core import api, serving
from aim_jupyter.core.defaults import DRAIN_S
from aim_jupyter.core.records import ServerView
from aim_jupyter.core.records.ability import Ability
from aim_jupyter.core.records.provenance import Provenance
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.tables import columns, frames
from aim_jupyter.verbs import clients

if TYPE_CHECKING:
    import openai
    import pandas as pd


class Server:
    """The handle of one server; it holds a name, everything else is read when asked for.

    It stays good after a kernel restart: `aim_jupyter.attach` gives the same one again.

    Parameters
    ----------
    folder : ServerFolder

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> server = aim.launch("demo").wait()                            # doctest: +SKIP
    >>> server.client.chat.completions.create(                        # doctest: +SKIP
    ...     model="default", messages=[{"role": "user", "content": "Hello"}])
    """

    def __init__(self, folder: ServerFolder) -> None:
        self._folder = folder
        self._clients: dict[str, Any] = {}
        #: The number of the cell in which this server's live card stands, if any.
        self.shown_in: int | None = None

    @property
    def name(self) -> str:
        """The server's name."""
        return self._folder.name

    @property
    def view(self) -> ServerView:
        """All that is known of it now."""
        return serving.view(self._folder)

    @property
    def state(self) -> str:
        """One of starting, running, stopping, stopped, failed, unknown."""
        return serving.current(self._folder).state

    @property
    def model(self) -> str:
        """The model's name; requests may also say ``default``."""
        return serving.current(self._folder).plan.model

    @property
    def does(self) -> tuple[Ability, ...]:
        """What it does, such as chat, tools or embed; once it runs, as its engine says."""
        return serving.current(self._folder).does

    @property
    def base_url(self) -> str:
        """The OpenAI base URL, for programs on this machine.

        Of one that listens on a socket file it says the path alone: `socket` says where.

        Raises
        ------
        ServerGone
            If the server has ended.
        """
        return api.reachable(self._folder).base_url

    @property
    def socket(self) -> str:
        """The socket file that it listens on, empty where it listens on a port."""
        return api.reachable(self._folder).socket

    @property
    def api_key(self) -> str:
        """The server's key. Whoever has it can use the server: keep it out of notebooks."""
        return self._folder.key()

    @property
    def client(self) -> openai.OpenAI:
        """A ready `openai.OpenAI`; its repr hides the key."""
        made: openai.OpenAI = self._client("OpenAI")
        return made

    @property
    def async_client(self) -> openai.AsyncOpenAI:
        """A ready `openai.AsyncOpenAI`."""
        made: openai.AsyncOpenAI = self._client("AsyncOpenAI")
        return made

    def wait(self, timeout_s: float = 1800.0) -> Server:
        """Block until it is ready and return it; Ctrl-C stops only the waiting.

        Raises
        ------
        StartFailed
            If it ends before it is ready, with why.
        WaitTimeout
            After `timeout_s` seconds.
        """
        for _ in self.watch(timeout_s):
            pass
        return self

    def watch(self, timeout_s: float = 1800.0) -> Iterator[ServerView]:
        """Yield what is known of it a few times a second until it is ready."""
        return api.watch(self._folder, limit_s=timeout_s)

    def stop(self, drain_s: float = DRAIN_S) -> Server:
        """End it after running requests had `drain_s` seconds, and verify that nothing is left."""
        serving.stop(self._folder, drain_s=drain_s)
        return self

    def logs(self, lines: int = 40) -> list[str]:
        """Return the last lines of the engine's log."""
        return serving.tail(self._folder, lines)

    def record(self) -> Provenance:
        """Return the record of what it serves, whose name its answers carry.

        Raises
        ------
        BadUsage
            If it has none: before its engine was started.
        """
        return api.record(self.name)

    def metrics(self, history_s: float | None = None) -> pd.DataFrame:
        """Return its activity of the last minute as a DataFrame of one row.

        Parameters
        ----------
        history_s : float, optional
            Return the last so many seconds instead, indexed by ``at``.
        """
        if history_s is not None:
            return frames.timeline(api.history_columns(self.name, history_s))
        sample = self.view.sample
        rows = [columns.metrics_row(self.name, sample)] if sample else []
        return frames.frame("metrics", rows)

    def events(self) -> pd.DataFrame:
        """Return what happened to it, in the order of time."""
        return frames.frame("events", map(columns.ROW["events"], api.events(self.name)))

    def _client(self, kind: clients.Kind) -> Any:
        """Return a client of `kind`, made anew where the server has got another port."""
        url = self.base_url
        known = self._clients.get(kind)
        if known is None or str(known.base_url).rstrip("/") != url:
            self._clients[kind] = clients.client(kind, self._folder)
        return self._clients[kind]

    def __reduce__(self) -> tuple[Callable[[str], Server], tuple[str]]:
        # What a handle has of its own is its name: another process reads the rest as this one does.
        return _named, (self.name,)

    def __repr__(self) -> str:
        record = serving.current(self._folder)
        facts = f"model={record.plan.model!r}, url={record.endpoint!r}"
        return f"Server({self.name!r}, {record.state}, {facts})"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        if self.shown_in is not None and self.shown_in == _cell_number():
            # The live card stands just above, in this very cell.
            return {"text/plain": repr(self)}
        card = presenting.server_card(self.view)
        return {"text/plain": card.text, "text/html": card.html}


def _cell_number() -> int | None:
    """Return the number of the cell that runs, None outside of IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return None if shell is None else int(shell.execution_count)


def _named(name: str) -> Server:
    return Server(api.server(name))
