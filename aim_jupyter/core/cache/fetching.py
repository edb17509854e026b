"""Download one model, as a program: ``python -m aim_jupyter.core.cache.fetching REPO REV FILE``.

Runs as a child of whoever wants the model: of a supervisor, or of `cache prefetch`. It writes one
JSON object to FILE: the files and their sizes as soon as these are known, then how it ended. Bytes
are counted by whoever watches the cache. A branch or tag of the cache leads to the new revision
only when all of it is there and verified, so that nothing half-done is ever taken for a model.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from concurrent.futures._base import DoneAndNotDoneFutures as Waited
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import config, files
from aim_jupyter.core.cache import index, needs, origins, reaching
from aim_jupyter.core.cache.index import Entry
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.cache.origins.hub import Hub
from aim_jupyter.core.cache.origins.origin import Interrupted, Origin
from aim_jupyter.core.cache.reader import INCOMPLETE
from aim_jupyter.core.cache.transfer import CutShort, Place, WrongBytes, is_there, transfer
from aim_jupyter.core.errors import AimError, ModelMissing, Offline, StateUnusable
from aim_jupyter.core.sizes import GIB

#: Files at the same time.
WORKERS = 8
#: Bytes that a kill may cost of each file: as many are read before they are written.
CHUNK = 1 << 20

#: Seconds without a byte of any file, after which a download has failed.
STALL_S = 300.0

_LARGEST_BY_HTTP = 50 * 1000**3
#: Bytes of a config or of an index of weights, far above the largest that is known.
_MOST_JSON = 64 << 20


class Stalled(Exception):
    """Nothing has come for `STALL_S`."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What the child has to say.

    Attributes
    ----------
    files : tuple of Remote
        All that the model needs, there or not, largest first.
    done : bool
        Whether all of it is there and verified.
    kind : str
        Name of the `AimError` that `error` and `hint` are the words of.
    """

    total_bytes: int | None = None
    files: tuple[Remote, ...] = ()
    done: bool = False
    error: str = ""
    hint: str = ""
    kind: str = "ModelMissing"


def fetch(repo: str, revision: str | None, say: Callable[[Outcome], None]) -> None:
    """Bring what an engine needs of `repo` into the cache, verified, and say what is to come.

    Raises
    ------
    ModelMissing, StateUnusable, WrongBytes, OSError
        And what the place that it comes from raises: see `origins`.
    """
    bring(origins.of(repo), revision, say)


def bring(
    origin: Origin, revision: str | None, say: Callable[[Outcome], None] = lambda _: None
) -> None:
    """Do what `fetch` does, from a place that is at hand."""
    commit = origin.commit(revision)
    there = origin.files(commit)
    place = Place(origin, commit)
    needed = _needed(place, there)
    total = sum(file.size for file in needed)
    outcome = Outcome(total_bytes=total, files=tuple(needed))
    say(outcome)
    index.change(place.folder, lambda entry: replace(entry, expected_bytes=total))
    lacking = _lacking(place, needed)
    _check_room(place, lacking)
    _bring(place, lacking)
    for file in needed:
        _link(place, file)
    _refer(place, revision if revision and origin.fixed else "main")
    index.change(place.folder, lambda entry: _verified(entry, commit))
    say(replace(outcome, done=True))


def fetch_config(repo: str) -> dict[str, Any]:
    """Return the ``config.json`` of a repository that is not in the cache, and keep it there.

    Raises
    ------
    Offline, ModelMissing, UnknownName, StateUnusable
        As `reaching.check_reachable`; also if it has none.
    """
    try:
        text = _config(repo)
    except Exception as error:
        raise _told(error, repo) from error
    try:
        facts = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        raise reaching.without_config(repo) from error
    if not isinstance(facts, dict):
        raise reaching.without_config(repo)
    return facts


def _config(repo: str) -> bytes:
    origin = origins.of(repo)
    commit = origin.commit(None)
    place, there = Place(origin, commit), origin.files(commit)
    file = there.get("config.json")
    if file is None or file.size > _MOST_JSON:
        raise reaching.without_config(repo)
    transfer(place, file, Event())
    _link(place, file)
    _refer(place, "main")
    return place.store.read(place.blob(file), _MOST_JSON)


def _told(error: Exception, repo: str) -> Exception:
    if isinstance(error, WrongBytes | CutShort):
        return _expected(error, repo, "")
    return origins.of(repo).refusal(error) or error


def _needed(place: Place, there: dict[str, Remote]) -> list[Remote]:
    """Return the files to have, largest first; an index of weights is fetched to know them."""

    def read(name: str) -> bytes:
        transfer(place, there[name], Event())
        return place.store.read(place.blob(there[name]), _MOST_JSON)

    names = needs.chosen(there, read)
    lacking = [name for name in needs.missing(names, read) if name.endswith(".safetensors")]
    if lacking:
        raise ModelMissing(
            f"{place.repo} has no {lacking[0]}.",
            "choose a repository with weights as safetensors; pickled ones can run any code",
        )
    return sorted((there[name] for name in names), key=lambda file: -file.size)


def _lacking(place: Place, needed: Iterable[Remote]) -> list[Remote]:
    """Return what is not there; what nobody has verified yet is read through, a wrong one goes."""
    entry = (index.read() or index.Index()).entry(str(place.folder))
    at = 0.0 if entry.damaged else entry.verified.get(place.commit, 0.0)
    return [file for file in needed if not (_known(place, file, at) or is_there(place, file))]


def _known(place: Place, file: Remote, verified_at: float) -> bool:
    facts = place.store.size(place.blob(file))
    return facts is not None and facts.st_size == file.size and facts.st_mtime <= verified_at


def _check_room(place: Place, lacking: Iterable[Remote]) -> None:
    need = sum(file.size - _has(place, file) for file in lacking)
    free = shutil.disk_usage(place.store.root).free
    if need > free:
        raise StateUnusable(
            f"{place.repo} needs {need / GIB:.1f} GiB more, and {place.folder.parent} has "
            f"{free / GIB:.1f} GiB free.",
            f"%aim cache evict --free {(need - free) / GIB + 0.1:.1f}GiB",
        )


def _has(place: Place, file: Remote) -> int:
    facts = place.store.size(f"{place.blob(file)}{INCOMPLETE}")
    return min(file.size, facts.st_size) if facts is not None else 0


def _bring(place: Place, lacking: list[Remote]) -> None:
    """Download many files at the same time; the first that fails ends the others.

    Raises
    ------
    Stalled
        If nothing has come for so long; its threads are left behind.
    """
    if not lacking:
        return
    stop = Event()
    pool = ThreadPoolExecutor(WORKERS)
    jobs = [pool.submit(_one, place, file, stop) for file in lacking]
    try:
        done, rest = _waited(place, lacking, jobs)
        if rest:
            stop.set()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if not done:
        raise Stalled
    wait([job for job in rest if not job.cancel()], STALL_S)
    for job in done:
        job.result()


def _waited(place: Place, lacking: list[Remote], jobs: list[Future[None]]) -> Waited[None]:
    """Return what has ended and what has not; nothing ended if nothing comes any more."""
    had, since = -1, time.monotonic()
    while True:
        ended = wait(jobs, min(5.0, STALL_S), return_when=FIRST_EXCEPTION)
        if not ended.not_done or any(job.exception() for job in ended.done):
            return ended
        has = sum(_has(place, file) for file in lacking) + len(ended.done)
        if has > had:
            had, since = has, time.monotonic()
        elif time.monotonic() - since > STALL_S:
            return Waited(set(), set(jobs))


def _one(place: Place, file: Remote, stop: Event) -> None:
    origin = place.origin
    if file.size <= _LARGEST_BY_HTTP or not isinstance(origin, Hub):
        transfer(place, file, stop)
        return
    # The Hub gives such a file by its own protocol alone: not resumed, but verified all the same.
    part, blob = f"{place.blob(file)}{INCOMPLETE}", place.blob(file)
    with place.store.locked(place.lock(file)):
        os.close(place.store.open(part, os.O_WRONLY | os.O_CREAT))
        _by_xet(origin.url(place.commit, file), file, place.store.root / part)
        place.store.move(part, blob)
        if not is_there(place, file):
            raise WrongBytes(file.name)


def _by_xet(url: str, file: Remote, to: Path) -> None:
    """Bring a file by the Hub's own protocol: to where we say, whatever the Hub calls it."""
    from huggingface_hub import get_hf_file_metadata  # noqa: PLC0415 - 0.3 s, this child only
    from huggingface_hub.file_download import xet_get  # noqa: PLC0415
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415
        build_hf_headers,
    )

    said = get_hf_file_metadata(url).xet_file_data
    if said is None:
        raise CutShort(file.name)
    xet_get(
        incomplete_path=to,
        xet_file_data=said,
        headers=build_hf_headers(),
        expected_size=file.size,
        displayed_filename=file.name,
    )


def _link(place: Place, file: Remote) -> None:
    """Let the snapshot's file lead to its blob, as `huggingface_hub` does it."""
    pointer, blob = place.pointer(file), place.blob(file)
    target = os.path.relpath(blob, os.path.dirname(pointer))  # noqa: PTH120 - names, no paths
    if place.store.leads_to(pointer) != target and not place.store.link(pointer, target):
        # A file system without links: then the file itself.
        place.store.copy(blob, pointer)


def _refer(place: Place, revision: str) -> None:
    if revision != place.commit:
        place.store.write(f"{place.name}/refs/{revision}", place.commit.encode())


def _verified(entry: Entry, commit: str) -> Entry:
    return replace(entry, verified={**entry.verified, commit: time.time()}, damaged=())


def main(repo: str, revision: str, report: str) -> int:
    """Fetch, and turn whatever goes wrong into an `Outcome`."""
    os.environ |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    from huggingface_hub import constants  # noqa: PLC0415

    constants.DOWNLOAD_CHUNK_SIZE = CHUNK
    said = [Outcome()]

    def say(outcome: Outcome) -> None:
        said.append(outcome)
        files.write_atomic(Path(report), msgspec.json.encode(outcome))

    try:
        fetch(repo, revision or None, say)
    except Exception as error:  # noqa: BLE001 - this child's only job is to say what went wrong
        met = _expected(error, repo, revision)
        say(replace(said[-1], error=met.found, hint=met.hint, kind=type(met).__name__))
        return 1
    return 0


def _expected(error: Exception, repo: str, revision: str) -> AimError:
    again, origin = f"%aim cache prefetch {shlex.quote(repo)}", origins.of(repo)
    title = origin.title[0].upper() + origin.title[1:]
    if isinstance(error, WrongBytes):
        return ModelMissing(
            f"{title} sent other bytes than it promises for {error} of {repo}, and again.", again
        )
    if isinstance(error, CutShort | Stalled):
        slow = f"Nothing of {repo} has come for {STALL_S:.0f} s."
        less = f"{title} sends less of {error} of {repo} than it promises."
        return ModelMissing(slow if isinstance(error, Stalled) else less, again)
    if isinstance(error, AimError):
        return error
    known = origin.refusal(error, revision)
    if isinstance(known, Offline) and not config.offline():
        # It could be reached a moment ago: the connection broke.
        why = str(error) if isinstance(error, Interrupted) else "the connection broke"
        if origin.kind == "hub":
            why = "the connection to the Hub broke"
        return Offline(f"The download of {repo} broke off: {why}.", again)
    if known is not None:
        return known
    said = (str(error) or type(error).__name__).splitlines()[0][:200]
    return ModelMissing(f"The download of {repo} failed: {said}.", again)


if __name__ == "__main__":
    # Without waiting for what still waits for the Hub.
    os._exit(main(*sys.argv[1:]))
