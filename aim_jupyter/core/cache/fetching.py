"""Download one model, as a program: ``python -m aim_jupyter.core.cache.fetching REPO REV FILE``.

Runs as a child of whoever wants the model: of a supervisor, or of `cache prefetch`. It writes one
JSON object to FILE: the files and their sizes as soon as these are known, then how it ended. Bytes
are counted by whoever watches the cache. A branch or tag of the cache leads to the new revision
only when all of it is there and verified, so that nothing half-done is ever taken for a model.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import config, files
from aim_jupyter.core.cache import index, needs, reaching, roots
from aim_jupyter.core.cache.index import Entry
from aim_jupyter.core.cache.transfer import CutShort, Remote, WrongBytes, is_there, transfer
from aim_jupyter.core.errors import AimError, ModelMissing, Offline, StateUnusable

#: Files at the same time.
WORKERS = 8
#: Bytes that a kill may cost of each file: as many are read before they are written.
CHUNK = 1 << 20
GIB = 1 << 30

_LARGEST_BY_HTTP = 50 * 1000**3


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


class Place(Struct, frozen=True):
    """Where the Hub's layout has the parts of one repository."""

    repo: str
    commit: str

    @property
    def folder(self) -> Path:
        """All of the repository."""
        return config.model_cache_dir() / roots.folder_name(self.repo)

    @property
    def blobs(self) -> Path:
        """Contents, named by their hash."""
        return self.folder / "blobs"

    @property
    def locks(self) -> Path:
        """A lock for each blob while it is downloaded."""
        return self.folder.parent / ".locks" / self.folder.name

    @property
    def snapshot(self) -> Path:
        """The files of the commit, as links to blobs."""
        return self.folder / "snapshots" / self.commit

    def url(self, file: Remote) -> str:
        """Return where the Hub has a file."""
        from huggingface_hub import hf_hub_url  # noqa: PLC0415 - 0.3 s, this child only

        return hf_hub_url(self.repo, file.name, revision=self.commit)


def fetch(repo: str, revision: str | None, say: Callable[[Outcome], None]) -> None:
    """Bring what an engine needs of `repo` into the cache, verified, and say what is to come.

    Raises
    ------
    ModelMissing, StateUnusable, WrongBytes, OSError
        And what `huggingface_hub` raises for an answer of the Hub.
    """
    commit, there = _contents(repo, revision)
    place = Place(repo, commit)
    place.blobs.mkdir(parents=True, exist_ok=True)
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
    _refer(place, revision or "main")
    index.change(place.folder, lambda entry: _verified(entry, commit))
    say(replace(outcome, done=True))


def _contents(repo: str, revision: str | None) -> tuple[str, dict[str, Remote]]:
    """Return the commit that a revision is, and the files that it has."""
    from huggingface_hub import HfApi  # noqa: PLC0415
    from huggingface_hub.hf_api import RepoFile  # noqa: PLC0415

    hub = HfApi()
    commit = hub.model_info(repo, revision=revision, timeout=reaching.LIMIT_S).sha
    if commit is None:
        raise ModelMissing(f"{repo} has no revision.", "%aim recipes lists the models")
    tree = hub.list_repo_tree(repo, recursive=True, revision=commit)
    return commit, {
        file.path: Remote(
            name=file.path, size=file.size, etag=file.lfs.sha256 if file.lfs else file.blob_id
        )
        for file in tree
        if isinstance(file, RepoFile)
    }


def _needed(place: Place, there: dict[str, Remote]) -> list[Remote]:
    """Return the files to have, largest first; an index of weights is fetched to know them."""

    def read(name: str) -> bytes:
        transfer(place.url(there[name]), there[name], place.blobs, place.locks, Event())
        return (place.blobs / there[name].etag).read_bytes()

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
    return [file for file in needed if not (_known(place, file, at) or is_there(file, place.blobs))]


def _known(place: Place, file: Remote, verified_at: float) -> bool:
    with contextlib.suppress(OSError):
        facts = (place.blobs / file.etag).stat()
        return facts.st_size == file.size and facts.st_mtime <= verified_at
    return False


def _check_room(place: Place, lacking: Iterable[Remote]) -> None:
    need = sum(file.size - _has(place, file) for file in lacking)
    free = shutil.disk_usage(place.blobs).free
    if need > free:
        raise StateUnusable(
            f"{place.repo} needs {need / GIB:.1f} GiB more, and {place.folder.parent} has "
            f"{free / GIB:.1f} GiB free.",
            f"%aim cache evict --free {(need - free) / GIB + 0.1:.1f}GiB shows what could go",
        )


def _has(place: Place, file: Remote) -> int:
    with contextlib.suppress(OSError):
        return min(file.size, (place.blobs / f"{file.etag}.incomplete").stat().st_size)
    return 0


def _bring(place: Place, lacking: list[Remote]) -> None:
    """Download many files at the same time; the first that fails ends the others."""
    stop = Event()
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(_one, place, file, stop) for file in lacking]
        done, rest = wait(jobs, return_when=FIRST_EXCEPTION)
        if rest:
            stop.set()
        for job in rest:
            job.cancel()
    for job in done:
        job.result()


def _one(place: Place, file: Remote, stop: Event) -> None:
    if file.size <= _LARGEST_BY_HTTP:
        transfer(place.url(file), file, place.blobs, place.locks, stop)
        return
    # The Hub gives such a file by its own protocol alone: not resumed, but verified all the same.
    from huggingface_hub import hf_hub_download  # noqa: PLC0415

    hf_hub_download(place.repo, file.name, revision=place.commit, cache_dir=place.folder.parent)
    if not is_there(file, place.blobs):
        raise WrongBytes(file.name)


def _link(place: Place, file: Remote) -> None:
    """Let the snapshot's file lead to its blob, as `huggingface_hub` does it."""
    pointer = place.snapshot / file.name
    blob = place.blobs / file.etag
    pointer.parent.mkdir(parents=True, exist_ok=True)
    if pointer.is_symlink() and pointer.resolve() == blob.resolve():
        return
    beside = pointer.with_name(f".{pointer.name}.{os.getpid()}")
    try:
        beside.symlink_to(os.path.relpath(blob, pointer.parent))
    except PermissionError:
        # A file system without links: then the file itself.
        shutil.copyfile(blob, beside)
    beside.replace(pointer)


def _refer(place: Place, revision: str) -> None:
    if revision != place.commit:
        ref = place.folder / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomic(ref, place.commit.encode(), 0o644)


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
    again = f"%aim cache prefetch {repo}: it goes on where it stopped"
    if isinstance(error, WrongBytes):
        return ModelMissing(
            f"The Hub sent other bytes than it promises for {error} of {repo}, and again.",
            f"%aim cache prefetch {repo} later; a proxy in between may change what it passes on",
        )
    if isinstance(error, CutShort):
        return ModelMissing(f"The Hub sends less of {error} of {repo} than it promises.", again)
    if isinstance(error, AimError):
        return error
    known = reaching.refusal(error, repo, revision)
    if isinstance(known, Offline) and not config.offline():
        # It could be reached a moment ago: the connection broke.
        return Offline(f"The download of {repo} broke off: the connection to the Hub broke.", again)
    if known is not None:
        return known
    said = (str(error) or type(error).__name__).splitlines()[0][:200]
    return ModelMissing(f"The download of {repo} failed: {said}.", again)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
