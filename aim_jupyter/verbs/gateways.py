"""`Gateway`: one address for all servers, served by this process while it lives."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from aim_jupyter.verbs import clients

if TYPE_CHECKING:
    import openai

    from aim_jupyter.relay.app import Address

_there: dict[int, Gateway] = {}


class Gateway:
    """The handle of the gateway that this process serves; it ends with the process.

    Parameters
    ----------
    address : Address
    ended : contextlib.ExitStack
        What ends it.
    """

    def __init__(self, address: Address, ended: contextlib.ExitStack) -> None:
        self._address, self._ended = address, ended
        self._clients: dict[clients.Kind, Any] = {}

    @property
    def base_url(self) -> str:
        """The OpenAI base URL, for programs on this machine."""
        return self._address.base_url

    @property
    def api_key(self) -> str:
        """The key, which is this user's: keep it out of notebooks."""
        return self._address.api_key

    @property
    def client(self) -> openai.OpenAI:
        """A ready `openai.OpenAI`, whose ``model=`` says which server is meant."""
        made: openai.OpenAI = self._client("OpenAI")
        return made

    @property
    def async_client(self) -> openai.AsyncOpenAI:
        """A ready `openai.AsyncOpenAI`."""
        made: openai.AsyncOpenAI = self._client("AsyncOpenAI")
        return made

    @property
    def names(self) -> list[str]:
        """Every name that means a running server now."""
        return [model.id for model in self.client.models.list()]

    def stop(self) -> None:
        """End it; what is being answered breaks off."""
        _there.pop(os.getpid(), None)
        self._ended.close()

    def _client(self, kind: clients.Kind) -> Any:
        if kind not in self._clients:
            self._clients[kind] = clients.plain(kind, self.base_url, self.api_key)
        return self._clients[kind]

    def __repr__(self) -> str:
        return f"Gateway({self.base_url!r}, names={self.names!r})"


def gateway(port: int | None = None) -> Gateway:
    """Return the gateway of this process, started by the first who asks.

    Parameters
    ----------
    port : int, optional
        Where it listens if it is started now; a free one where none is said.

    Raises
    ------
    PortTaken
        If something else listens there.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.gateway().client.models.list()                            # doctest: +SKIP
    """
    # A fork has its parent's handle and none of its threads.
    there = _there.get(os.getpid())
    if there is None:
        from aim_jupyter.relay import app  # noqa: PLC0415 - for who serves one

        ended = contextlib.ExitStack()
        there = _there[os.getpid()] = Gateway(ended.enter_context(app.serving(port)), ended)
    return there
