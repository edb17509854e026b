"""How an engine is told where to listen and whom to let in."""

from __future__ import annotations

from msgspec import Struct


class Listen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words that tell the engine where to listen.

    Attributes
    ----------
    port : tuple of str
        With ``{host}`` and ``{port}``.
    socket : tuple of str
        With ``{file}``; empty for an engine that can't listen on a socket file.
    """

    port: tuple[str, ...]
    socket: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not any("{port}" in word for word in self.port):
            raise ValueError("no word of 'port' holds {port}")
        if self.socket and not any("{file}" in word for word in self.socket):
            raise ValueError("no word of 'socket' holds {file}")


class Key(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the engine learns the server's key.

    The guard (``serving/guard/aim_guard.py``, an ASGI middleware that needs the standard library
    alone) lies on the engine's ``PYTHONPATH``. How it is put in is the engine's business: an option
    among `Adapter.options` (vLLM's ``--middleware``), or the program that ``describe.py`` names as
    the command.

    Attributes
    ----------
    variable : str
        Of the engine's environment; the guard is told its name in ``AIM_KEY_VARIABLE``.
    open : tuple of str
        Routes that want no key; the guard is told in ``AIM_OPEN_PATHS``. The health route is asked
        without one, so it must be among them.
    """

    variable: str
    open: tuple[str, ...] = ("/health",)
