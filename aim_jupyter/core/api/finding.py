"""Servers found: all of them, one by its name, or the one that is meant where none is named.

A kernel means its own last launch, also after another program has launched something; where that
launch failed, nobody is handed another server in its place. A process that has launched nothing (a
terminal, a new kernel) means the newest server of its user.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core import config, serving
from aim_jupyter.core.defaults import WINDOW_S
from aim_jupyter.core.errors import AimError, ServerGone
from aim_jupyter.core.records import ServerRecord, ServerView
from aim_jupyter.core.serving import ServerFolder

#: What came of the last launch of this process, by the folder in which servers are kept.
_last: dict[Path, ServerFolder | BaseException] = {}


@contextlib.contextmanager
def launching() -> Iterator[None]:
    """Remember that the last launch failed, if it fails inside of the block."""
    try:
        yield
    except BaseException as error:
        _last[config.servers_dir()] = error
        raise


def launched(folder: ServerFolder) -> None:
    """Remember a server as the one that was launched last."""
    _last[config.servers_dir()] = folder


def forgotten(folder: ServerFolder) -> None:
    """Take a server that is off the lists for none."""
    last = _last.get(config.servers_dir())
    if isinstance(last, ServerFolder) and last.path == folder.path:
        del _last[config.servers_dir()]


def servers(*, window_s: float = WINDOW_S) -> list[ServerView]:
    """Return all servers, live or ended, with their figures as of now; last those of others.

    Those whose record can't be read are left out: `doctor` names them.

    Parameters
    ----------
    window_s : float
        Seconds that rates and quantiles look back.
    """
    return [*own(window_s), *shared(window_s)]


def own(window_s: float = WINDOW_S) -> Iterator[ServerView]:
    """Yield this user's servers, live or ended, with their figures."""
    for folder in serving.folders():
        try:
            yield serving.view(folder, window_s=window_s)
        except ServerGone:
            # The doctor names it; here it must not hide the others.
            continue


def shared(window_s: float = WINDOW_S) -> Iterator[ServerView]:
    """Yield the servers that others share with this user."""
    for folder in serving.shared():
        # Between two looks it may have ended.
        with contextlib.suppress(ServerGone):
            yield serving.view(folder, window_s=window_s)


def server(name: str | None = None) -> ServerFolder:
    """Return the folder of the server `name`, or of the one that was launched last, live or not.

    Raises
    ------
    UnknownName
        If there is none of that name.
    ServerGone
        If no name was given, and the last launch failed or there was none.
    """
    if name is not None:
        return serving.find(name)
    last = _last.get(config.servers_dir())
    if isinstance(last, BaseException):
        raise _failed(last)
    if last is not None:
        return last
    newest = max(_records(), key=lambda record: record.created_at, default=None)
    if newest is None:
        raise ServerGone("No server has been launched.", "%aim launch")
    return serving.find(newest.name)


def live(name: str | None = None) -> ServerFolder:
    """Return the same, if it has not ended.

    Raises
    ------
    ServerGone
        If it was not named and has ended, with what else is live.
    """
    folder = server(name)
    record = serving.current(folder)
    if name is None and not record.live and record.state != "unknown":
        raise ended(record)
    return folder


def ended(record: ServerRecord) -> ServerGone:
    """Return the error that says that a server is of no use any more, and what else there is."""
    others = [each.name for each in _records() if each.live]
    which = f"{record.name!r}, which was launched last," if others else repr(record.name)
    found = f"Server {which} is {record.state}: {(record.reason or 'it has ended').rstrip('.')}."
    found += f" Others: {', '.join(others)}." if others else ""
    named = f"%aim attach {others[-1]}" if others else f"%aim launch {record.plan.model}"
    return ServerGone(found, named)


def _failed(error: BaseException) -> ServerGone:
    if isinstance(error, AimError):
        return ServerGone(f"The last launch here failed: {error.found}", error.hint)
    what = "was interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    return ServerGone(f"The last launch here {what}.", "%aim launch")


def _records() -> Iterator[ServerRecord]:
    for folder in serving.folders():
        # One that can't be read is named by the doctor, and hides no other.
        with contextlib.suppress(ServerGone):
            yield serving.current(folder)
