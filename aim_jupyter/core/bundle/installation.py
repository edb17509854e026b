"""A bundle taken into this machine: models into the cache, the engine beside the others."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from aim_jupyter.core import cache, config, engines
from aim_jupyter.core.bundle import archive
from aim_jupyter.core.cache import fetching, roots
from aim_jupyter.core.cache.offered import Remote, checked
from aim_jupyter.core.cache.origins.listed import HASH
from aim_jupyter.core.cache.origins.origin import Sink
from aim_jupyter.core.cache.store import Store, is_plain
from aim_jupyter.core.cache.transfer import CutShort, WrongBytes
from aim_jupyter.core.engines import builds, interpreters, probe_cache
from aim_jupyter.core.engines.candidates import Candidate
from aim_jupyter.core.engines.environments import describe
from aim_jupyter.core.errors import AimError, InstallFailed, ModelMissing, StateUnusable
from aim_jupyter.core.records import Bundle, BundledEngine, BundledModel
from aim_jupyter.core.records.plan import SourceKind

Say = Callable[[str], None]

_BLOCK = 1 << 20
_AGAIN = "carry the bundle here again"
#: A repository, or the address of what came from elsewhere.
_NAMED = re.compile(r"(\w+://)?\w[\w.:-]*(/[\w%+@][\w.%+@-]*)*")
_SHEBANG = re.compile(rb"#!.*/bin/python[\d.]*")


class Carried:
    """A model of a bundle, as a place that models come from: it is kept as any other."""

    kind: ClassVar[SourceKind] = "folder"
    fixed: ClassVar[bool] = False

    def __init__(self, folder: Path, model: BundledModel) -> None:
        self.repo = model.repo
        self.title = f"the bundle {folder}"
        self._folder, self._model = Store(folder), model

    def offer(self, revision: str | None) -> int | None:
        """Return its bytes."""
        del revision
        return self._model.size_bytes

    def commit(self, revision: str | None) -> str:
        """Return its revision."""
        del revision
        if not re.fullmatch(r"[0-9a-f]{40}", self._model.commit):
            raise ModelMissing(f"{self.repo} has no revision in {self.title}.", _AGAIN)
        return self._model.commit

    def files(self, commit: str) -> dict[str, Remote]:
        """Return its files by name."""
        del commit
        found = {}
        for name, digest in self._model.hashes.items():
            facts = self._folder.size(f"{self._model.folder}/{name}") if is_plain(name) else None
            file = Remote(name=name, size=facts.st_size if facts else 0, etag=digest)
            found[name] = checked(self.repo, file, HASH, _AGAIN)
        return found

    def get(self, commit: str, file: Remote, sink: Sink, attempt: int) -> None:
        """Give the bytes of a file to `sink`."""
        del commit, attempt
        handle = self._folder.open(f"{self._model.folder}/{file.name}", os.O_RDONLY)
        with os.fdopen(handle, "rb") as source:
            source.seek(sink.tell())
            while block := source.read(_BLOCK):
                sink.write(block)

    def head(self, commit: str, file: Remote, begin: int, size: int) -> bytes:
        """Return a part of a file."""
        del commit
        handle = self._folder.open(f"{self._model.folder}/{file.name}", os.O_RDONLY)
        with os.fdopen(handle, "rb") as source:
            source.seek(begin)
            return source.read(size)

    def passes(self, error: Exception) -> bool:
        """Return that nothing of a disk goes well by itself."""
        del error
        return False

    def refusal(self, error: Exception, revision: str | None = None) -> AimError | None:
        """Return what was met as an expected failure."""
        del revision
        if isinstance(error, AimError):
            return error
        if isinstance(error, OSError):
            return ModelMissing(f"{self.title} can't be read: {error.strerror}.", _AGAIN)
        return None


def install(folder: Path, say: Say) -> Bundle:
    """Take all of a bundle into the cache and beside the engines; what is there already stays.

    Raises
    ------
    ModelMissing, StateUnusable
        If something of it is not what it was made as, or there is no room.
    InstallFailed
        If the engine does not run here.
    """
    bundle = archive.read(folder)
    archive.check(folder, [archive.NAME, *bundle.recipes])
    for model in bundle.models:
        if not _NAMED.fullmatch(model.repo):
            raise ModelMissing(f"{model.repo!a} is no name of a model.", _AGAIN)
        if cache.locate(model.repo, model.commit or None).complete:
            say(f"{model.repo} is here already.")
        elif model.commit:
            say(f"{model.repo}: into {config.model_cache_dir()}.")
            # An MD5 tells no malice: then the whole is read by its SHA-256 first.
            weak = [name for name, digest in model.hashes.items() if len(digest) not in (40, 64)]
            archive.check(folder, [f"{model.folder}/{name}" for name in weak])
            _brought(folder, model)
        else:
            say(f"{model.repo}: into {config.model_cache_dir()}.")
            _plain(folder, model)
    if bundle.engine is not None:
        _engine(folder, bundle.engine, say)
    return bundle


def _brought(folder: Path, model: BundledModel) -> None:
    try:
        fetching.bring(Carried(folder, model), model.commit)
    except (WrongBytes, CutShort) as error:
        raise ModelMissing(f"{error} of {model.repo} is not what it was.", _AGAIN) from error
    except OSError as error:
        raise StateUnusable(
            f"{error.filename or folder} can't be copied: {error.strerror}.", "%aim cache stats"
        ) from error


def _plain(folder: Path, model: BundledModel) -> None:
    """Put a folder of plain files into the cache, in one step."""
    prefix = f"{model.folder}/"
    listed = {
        name.removeprefix(prefix): digest
        for name, digest in archive.sums(folder).items()
        if name.startswith(prefix)
    }
    if not listed:
        raise ModelMissing(f"{folder} has no files of {model.repo}.", _AGAIN)
    source, store = Store(folder), Store(config.model_cache_dir())
    place = f".packages/{roots.folder_name(model.repo)}"
    with store.locked(f".packages/.{roots.folder_name(model.repo)}.lock"):
        store.clear(place)
        for name, digest in listed.items():
            handle = store.open(f"{place}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            made = hashlib.sha256()
            with (
                os.fdopen(handle, "wb") as to,
                os.fdopen(source.open(prefix + name, os.O_RDONLY), "rb") as came,
            ):
                while block := came.read(_BLOCK):
                    made.update(block)
                    to.write(block)
            if made.hexdigest() != digest:
                store.clear(place)
                raise ModelMissing(f"{prefix}{name} of {folder} is not what it was.", _AGAIN)
        store.move(place, model.repo)


def _engine(folder: Path, engine: BundledEngine, say: Say) -> None:
    if not re.fullmatch(r"[a-z0-9][\w.-]*", engine.name):
        raise InstallFailed(f"{engine.name!a} is no name of an engine.", _AGAIN)
    if any(there.name == engine.name and there.usable for there in engines.find()):
        say(f"{engine.name} is here already.")
        return
    python = interpreters.suitable([engine.python])
    if python is None or platform.machine() != engine.machine:
        raise InstallFailed(
            f"{engine.name} needs Python {engine.python} on {engine.machine}; "
            f"here is {platform.python_version()} on {platform.machine()}.",
            f"install Python {engine.python}, or carry an engine of this machine's kind",
        )
    say(f"{engine.name}: reading it through, then into {config.engines_dir()}.")
    archive.check(folder, [engine.archive])
    with builds.alone():
        build = builds.new(engine.name)
        _unpacked(folder, engine, python, build)
        found = describe(Candidate(name=engine.name, python=build / "bin/python", source="managed"))
        if not found.usable:
            raise InstallFailed(f"{engine.name} does not run here: {found.reason}.", "%aim doctor")
        shown = builds.publish(build, engine.name)
        # What it answered under the folder's own name holds under the link's: not asked twice.
        answer = engines.ask(build / "bin/python")
        probe_cache.keep(probe_cache.key(shown / "bin/python"), answer)
        builds.clear(engine.name)


def _unpacked(folder: Path, engine: BundledEngine, python: Path, build: Path) -> None:
    """Make an environment on this machine's interpreter, and fill it."""
    words = [str(python), "-I", "-m", "venv", "--without-pip", str(build)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it failed"]
        raise InstallFailed(f"{python} makes no environment: {said[-1][:200]}.", "%aim doctor")
    handle = Store(folder).open(engine.archive, os.O_RDONLY)
    try:
        with os.fdopen(handle, "rb") as file, tarfile.open(fileobj=file, mode="r|") as packed:
            # What would lie or lead outside of the folder is refused.
            packed.extractall(build, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise InstallFailed(f"{engine.archive} can't be unpacked: {error}.", _AGAIN) from error
    for script in (build / "bin").iterdir():
        _moved(script, build)


def _moved(script: Path, build: Path) -> None:
    """Let a program of the environment name the interpreter of this one."""
    with contextlib.suppress(OSError):
        text = b"" if script.is_symlink() else script.read_bytes()
        line, _, rest = text.partition(b"\n")
        if _SHEBANG.fullmatch(line):
            script.write_bytes(b"#!" + os.fsencode(build / "bin/python") + b"\n" + rest)
