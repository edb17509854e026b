"""A place without revisions: what is there now is one, named by the hashes of its files."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

from aim_jupyter.core.cache import needs, offered
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.cache.origins.asking import Refused
from aim_jupyter.core.cache.origins.origin import Interrupted
from aim_jupyter.core.errors import AimError, ModelMissing, Offline

T = TypeVar("T")
U = TypeVar("U")

#: The list of hashes that `sha256sum * > SHA256SUMS` writes, which lies beside the files.
MANIFEST = "SHA256SUMS"
MOST_MANIFEST = 8 << 20
_LINE = re.compile(r"(?P<hash>[0-9a-f]{64}) [ *](?:\./)?(?P<name>.+)")
#: What the content of a file may be called; git's SHA-1 is the Hub's.
HASH = re.compile(r"[0-9a-f]{32}(-\d+-\d+)?|[0-9a-f]{40}|[0-9a-f]{64}")
_AT_ONCE = 8


class Listed:
    """What the places have in common that only list what they have."""

    fixed: ClassVar[bool] = False
    title: str

    def __init__(self, repo: str) -> None:
        self.repo = repo
        self._files: dict[str, Remote] | None = None

    def offer(self, revision: str | None) -> int | None:
        """Return the bytes of what an engine needs.

        Raises
        ------
        AimError
            If the place can't be reached, or does not let us have it.
        """
        try:
            there = self.files(self.commit(revision))
        except Exception as error:
            raise self.refusal(error) or error from error
        return sum(there[name].size for name in needs.chosen(there, lambda _: b""))

    def commit(self, revision: str | None) -> str:
        """Return the revision that is there.

        Raises
        ------
        ModelMissing
            If another one is asked for. And what the place refuses.
        """
        found = sorted(self.files("").values(), key=lambda file: file.name)
        lines = "".join(f"{file.etag} {file.size} {file.name}\n" for file in found)
        made = hashlib.sha256(lines.encode()).hexdigest()[:40]
        if revision not in (None, made):
            raise ModelMissing(f"{self.repo} has other files now than before.", self._again)
        return made

    def files(self, commit: str) -> dict[str, Remote]:
        """Return the files that an engine can use, by name; asked once."""
        del commit
        if self._files is None:
            there = [
                offered.checked(self.repo, file, HASH, f"put a {MANIFEST} beside the files")
                for file in self._listed()
            ]
            self._files = offered.collected(self.repo, there, "name the folder of one model")
        return self._files

    def passes(self, error: Exception) -> bool:
        """Return whether it may go well a moment later."""
        return isinstance(error, Interrupted)

    def refusal(self, error: Exception, revision: str | None = None) -> AimError | None:
        """Return what was met as an expected failure."""
        del revision
        if isinstance(error, AimError):
            return error
        if isinstance(error, Interrupted):
            return Offline(f"{self.repo} can't be had from {self.title}: {error}.", self._again)
        if isinstance(error, Refused):
            return ModelMissing(f"{self.repo} can't be had: {self._why(error)}.", self._again)
        return None

    def _why(self, error: Refused) -> str:
        return f"{self.title} answered {error.status}"

    def _listed(self) -> Iterable[Remote]:
        raise NotImplementedError

    @property
    def _again(self) -> str:
        return f"%aim launch {shlex.quote(self.repo)}"


def manifest(text: bytes) -> dict[str, str]:
    """Return the hash of each file that a list of hashes has; lines that are none are left out."""
    lines = text.decode(errors="replace").splitlines()
    found = filter(None, (_LINE.fullmatch(line.strip()) for line in lines))
    return {line["name"]: line["hash"] for line in found}


def each(ask: Callable[[T], U], wanted: Iterable[T]) -> Iterator[U]:
    """Return what `ask` says of each, some of them at once."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(ask, wanted)
