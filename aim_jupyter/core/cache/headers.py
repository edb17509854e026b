"""The headers of a repository's safetensors files, fetched without a tensor.

Of the Hub `huggingface_hub` asks for the first bytes of each file by range requests, of another
place its `Origin`: a hundred kilobytes or so for each, whatever the size of the model.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

from aim_jupyter.core import config, safetensors
from aim_jupyter.core.cache import needs, origins
from aim_jupyter.core.cache.origins.origin import Origin
from aim_jupyter.core.errors import ModelMissing, Offline

LIMIT_S = 1.4
"""Together with everything else a verdict must not take two seconds."""
_CONNECT_S = 0.7
_AGAIN_S = 300.0  # before a Hub that could not be reached is asked once more
_AT_ONCE = 16  # files: a large model has two hundred
_SUFFIX = ".safetensors"


class Entry(NamedTuple):
    """One tensor, as its header has it."""

    name: str
    dtype: str
    shape: tuple[int, ...]


Outcome = list[Entry] | Exception


class _Inquiry(threading.Thread):
    """One repository's headers on their way; who does not wait for them finds them the next time.

    A thread of its own: the Hub's client has no limit for the whole, and a name server may take its
    time. A daemon: nobody waits for it at the exit.
    """

    def __init__(self, repo: str, revision: str | None) -> None:
        super().__init__(name=f"headers of {repo}", daemon=True)
        self.repo = repo
        self.revision = revision
        self.outcome: Outcome | None = None
        self.began = time.monotonic()

    def run(self) -> None:
        try:
            self.outcome = _fetch(self.repo, self.revision)
        except Exception as error:  # noqa: BLE001 - raised again, to whoever asks
            self.outcome = error


_inquiries: dict[tuple[str, str | None], _Inquiry] = {}
_unreachable_until = 0.0


def fetch_headers(repo: str, revision: str | None = None, limit_s: float = LIMIT_S) -> list[Entry]:
    """Return all tensors of a repository, within `limit_s` seconds.

    Raises
    ------
    Offline
        If the Hub may not be asked, can't be reached, or has not answered in time.
    ModelMissing, UnknownName
        If the Hub refuses, has no such repository, or that holds no safetensors.
    """
    global _unreachable_until  # noqa: PLW0603 - of the whole process: it has one network
    key = (repo, revision)
    if config.offline() or time.monotonic() < _unreachable_until:
        raise _silent(repo)
    inquiry = _inquiries.get(key)
    if inquiry is None:
        inquiry = _inquiries[key] = _Inquiry(repo, revision)
        inquiry.start()
        inquiry.join(limit_s)
    found = inquiry.outcome
    if isinstance(found, list):
        return found
    if found is None:
        raise _silent(repo)
    del _inquiries[key]
    expected = origins.of(repo).refusal(found, revision)
    if isinstance(expected, Offline):
        _unreachable_until = time.monotonic() + _AGAIN_S
    raise expected or found from found


def _fetch(repo: str, revision: str | None) -> list[Entry]:
    if "://" in repo:
        return _elsewhere(origins.of(repo), revision)
    # Half a second to import, and only needed for a model that is not cached.
    from huggingface_hub import HfApi, constants  # noqa: PLC0415

    hub = urlsplit(constants.ENDPOINT)
    port = hub.port or (443 if hub.scheme == "https" else 80)
    try:
        if not getproxies():
            socket.create_connection((hub.hostname or "", port), _CONNECT_S).close()
    except OSError as error:
        raise _silent(repo) from error
    api = HfApi()
    info = api.model_info(repo, revision=revision, timeout=LIMIT_S)
    names = [file.rfilename for file in info.siblings or []]
    parts = [name for name in names if name.endswith(_SUFFIX) and "/" not in name]
    if f"model{_SUFFIX}.index.json" in names:  # consolidated copies are not loaded
        parts = [name for name in parts if not name.startswith("consolidated")]
    if not parts:
        raise ModelMissing(f"{repo} holds no safetensors.", "check the name")
    return [
        Entry(name, str(tensor.dtype), tuple(tensor.shape))
        for header in _each(
            lambda name: api.parse_safetensors_file_metadata(repo, name, revision=info.sha), parts
        )
        for name, tensor in header.tensors.items()
    ]


def _elsewhere(origin: Origin, revision: str | None) -> list[Entry]:
    """Return the tensors of a model that is not the Hub's."""
    commit = origin.commit(revision)
    there = origin.files(commit)

    def header(name: str) -> dict[str, safetensors.Entry]:
        raw = origin.head(commit, there[name], 0, safetensors.LENGTH)
        length = int.from_bytes(raw, "little")
        if length > safetensors.MOST_HEADER:
            raise ModelMissing(
                f"{name} of {origin.repo} has no header that is read.", "another model"
            )
        return safetensors.decoded(origin.head(commit, there[name], safetensors.LENGTH, length))

    weights = [name for name in needs.chosen(there, lambda _: b"") if name.endswith(_SUFFIX)]
    return [
        Entry(name, str(tensor.dtype), tuple(tensor.shape))
        for found in _each(header, weights)
        for name, tensor in found.items()
    ]


def _each(ask: Callable[[str], Any], names: Sequence[str]) -> list[Any]:
    """Return the header of each file, some of them at once."""
    todo: SimpleQueue[str] = SimpleQueue()
    found: list[Any] = []
    failed: list[Exception] = []
    for name in names:
        todo.put(name)

    def work() -> None:
        try:
            while not failed:
                name = todo.get_nowait()
                found.append(ask(name))
        except Empty:
            return
        except Exception as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    count = min(_AT_ONCE, len(names))
    workers = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        raise failed[0]
    return found


def _silent(repo: str) -> Offline:
    return Offline(f"The Hub can't be reached for the headers of {repo}.", "download it first")
