"""One folder per server under the state directory, and who is in it.

::

    servers/<name>/
        server.json      the record: atomic, versioned, written by the supervisor alone
        key              the server's key, 0600
        events.jsonl     what happened, a JSON object a line
        engine.log       what the engine printed
        supervisor.log   what the supervisor printed: empty unless it met a defect
        stop.json        a stop that somebody asked for
        history-*.ring   what it did and took, each second of the last hour, then coarser
        shares.json      with whom it is shared, and their keys, 0600
        guests           the hashes of these keys, which the engine's guard reads
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import BadUsage, ServerGone, UnknownName
from aim_jupyter.core.events import EventLog
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.records.kinds import resolved

VERSION = 1
#: Letters of a server's name at most.
LONGEST = 63
_NAME = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST - 1}}}")


class StopRequest(Struct, frozen=True, kw_only=True):
    """What `stop.json` holds: how long running requests may take, and who asked."""

    drain_s: float
    by: str


#: Bytes that are kept free for a record, and for a stop: far more than either takes.
_SPARE = 1 << 16

# Made once: each look at a server would otherwise look into the type again.
_RECORD = msgspec.json.Decoder(resolved(ServerRecord))
_STOP = msgspec.json.Decoder(resolved(StopRequest))


class ServerFolder:
    """The folder of one server; nothing is read before it is asked for.

    Attributes
    ----------
    owner : str or None
        Whose it is, where another user shares it with this one.
    """

    owner: str | None = None

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.log = path / "engine.log"
        self.events = EventLog(path / "events.jsonl", path.name)

    def read(self) -> ServerRecord:
        """Return the record.

        Raises
        ------
        ServerGone
            If it is absent, was cut short, or was written by a newer version.
        """
        try:
            record = _RECORD.decode((self.path / "server.json").read_bytes())
        except files.UNREADABLE as error:
            raise ServerGone(
                f"The record of server {self.name!r} can't be read: {error}.",
                f"rm -r {self.path}",
            ) from error
        if record.version > VERSION:
            raise ServerGone(
                f"Server {self.name!r} was launched by a newer aim_jupyter "
                f"(record version {record.version}, this one reads {VERSION}).",
                "use the newer one, or update this environment: pip install -U aim-jupyter",
            )
        return record

    def write(self, record: ServerRecord) -> None:
        """Replace the record, all or nothing; what has happened is told on a full disk too."""
        file = self.path / "server.json"
        record = replace(record, away=False, reached=None)
        files.write_spared(file, msgspec.json.encode(record))
        files.keep_spare(file, _SPARE)
        files.keep_spare(self.path / "stop.json", _SPARE)

    def key(self) -> str:
        """Return the server's key.

        Raises
        ------
        ServerGone
            If the key file is gone or unreadable: then no client can be made.
        """
        try:
            return (self.path / "key").read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ServerGone(
                f"The key of server {self.name!r} is gone: {self.path / 'key'}.",
                f"%aim stop {self.name}",
            ) from error

    def make_key(self) -> str:
        """Draw a new random key into the key file."""
        key = secrets.token_urlsafe(32)
        files.write_atomic(self.path / "key", key.encode())
        return key

    def ask_stop(self, request: StopRequest) -> None:
        """Leave a request to stop for the supervisor."""
        files.write_spared(self.path / "stop.json", msgspec.json.encode(request))

    def stop_request(self) -> StopRequest | None:
        """Return the request to stop, if somebody left one."""
        with contextlib.suppress(*files.UNREADABLE):
            return _STOP.decode((self.path / "stop.json").read_bytes())
        return None


def check_name(name: str) -> str:
    """Return `name` if it can name a server.

    Raises
    ------
    BadUsage
        If it could be mistaken for an option or a path.
    """
    if not _NAME.fullmatch(name):
        raise BadUsage(
            f"{name!r} can't name a server.",
            "use lower-case letters, digits, dots and dashes, beginning with a letter or digit",
        )
    return name


def name_for(model: str) -> str:
    """Return the server name that a model suggests: its last part, lower case.

    Examples
    --------
    >>> name_for("Qwen/Qwen3-32B")
    'qwen3-32b'
    """
    last = model.rstrip("/").rsplit("/", 1)[-1].lower()
    return re.sub(r"[^a-z0-9._-]+", "-", last).strip("-._")[:LONGEST] or "server"


def folders() -> Iterator[ServerFolder]:
    """Yield the folders of all servers, by name."""
    root = config.servers_dir()
    try:
        entries = sorted(root.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise files.unusable(root, error) from error
    for path in entries:
        if path.is_dir() and _NAME.fullmatch(path.name):
            yield ServerFolder(path)


def find(name: str) -> ServerFolder:
    """Return the folder of the server `name`.

    Raises
    ------
    UnknownName
        If there is none, with the nearest names.
    """
    known = {folder.name: folder for folder in folders()}
    if name not in known:
        raise UnknownName("server", name, known, "%aim ps")
    return known[name]


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the lock under which servers are named, made and replaced."""
    root = files.private_folder(config.state_dir())
    files.private_folder(config.servers_dir())
    with files.locked(root / "lock"):
        yield


def make(name: str) -> ServerFolder:
    """Make an empty folder for the server `name`, which nobody sees before `show`."""
    return ServerFolder(
        files.private_folder(_remove(config.servers_dir() / f".{check_name(name)}"))
    )


def show(hidden: ServerFolder) -> ServerFolder:
    """Put a folder that `make` has made in its place, that of an ended server of the name."""
    path = _remove(hidden.path.with_name(hidden.name.removeprefix(".")))
    try:
        hidden.path.rename(path)
    except OSError as error:
        raise files.unusable(path, error) from error
    return ServerFolder(path)


def remove(folder: ServerFolder) -> None:
    """Remove the folder of an ended server with all that is in it."""
    _remove(folder.path)


def _remove(path: Path) -> Path:
    if path.exists():
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise files.unusable(path, error) from error
    return path
