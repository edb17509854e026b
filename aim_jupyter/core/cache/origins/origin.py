"""What every place that models come from can be asked."""

from __future__ import annotations

from typing import ClassVar, Protocol

from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records.plan import SourceKind


class Interrupted(Exception):
    """What may go well a moment later: a connection that broke, a server that is too busy."""


class Sink(Protocol):
    """Where the bytes of a file go."""

    def tell(self) -> int:
        """Return how many are there: the file is wanted from that byte on."""

    def write(self, block: bytes) -> int:
        """Take the next ones."""

    def restart(self) -> None:
        """Forget all that is there: the place sends the file from its beginning alone."""


class Origin(Protocol):
    """A place, and one model in it.

    Attributes
    ----------
    kind : str
        What a plan calls it.
    title : str
        What a user reads in a sentence: whose fault it is.
    fixed : bool
        Whether it is asked for by a revision of its own; else the revision is made of the hashes of
        its files, and there is only what lies there now.
    """

    kind: ClassVar[SourceKind]
    fixed: ClassVar[bool]
    repo: str
    title: str

    def offer(self, revision: str | None) -> int | None:
        """Return the bytes of what an engine needs, as far as anybody says.

        Raises
        ------
        AimError
            If the model can't be had.
        """

    def commit(self, revision: str | None) -> str:
        """Return the revision that is there, 40 hex digits."""

    def files(self, commit: str) -> dict[str, Remote]:
        """Return the files of a revision by name, with sizes and hashes."""

    def get(self, commit: str, file: Remote, sink: Sink, attempt: int) -> None:
        """Give the bytes of a file to `sink`, from where that stands.

        Parameters
        ----------
        attempt : int
            How often that was tried in vain: where there are several ways, the next one is gone.
        """

    def head(self, commit: str, file: Remote, begin: int, size: int) -> bytes:
        """Return `size` bytes of a file from the byte `begin` on."""

    def passes(self, error: Exception) -> bool:
        """Return whether it may go well a moment later."""

    def refusal(self, error: Exception, revision: str | None = None) -> AimError | None:
        """Return what was met as an expected failure, None where it is a defect."""
