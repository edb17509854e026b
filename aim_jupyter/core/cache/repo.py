"""What a repository in a cache is: its revisions, its refs, and what no revision refers to."""

from __future__ import annotations

from msgspec import Struct

from aim_jupyter.core.cache import locating
from aim_jupyter.core.records import CacheKind as Kind


class Revision(Struct, frozen=True, kw_only=True):
    """One revision of a repository. Sizes in bytes, times in epoch seconds.

    Attributes
    ----------
    commit : str or None
        None in a folder of plain files, which does not say.
    dangling : tuple of str
        Files whose link leads to nothing.
    missing : tuple of str
        What an engine can't start without; of models only.
    expected_bytes : int or None
        What an engine needs of it in all, where the Hub's list of its files was kept.
    """

    commit: str | None
    path: str
    files: int
    size_bytes: int
    modified_at: float
    expected_bytes: int | None = None
    dangling: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Repo(Struct, frozen=True, kw_only=True):
    """One repository in a cache. Sizes in bytes, times in epoch seconds.

    Attributes
    ----------
    inode : int
        Of its folder: by this the locks of whoever uses it are known.
    refs : dict
        From branch or tag to commit.
    size_bytes : int
        Of all revisions, each blob once, without what is unfinished.
    stray : tuple of (str, int)
        Blobs that no revision refers to, with their bytes.
    unfinished : tuple of (str, int)
        Files of downloads that are running or were broken off, with the bytes that have come.
    owner : str
        Whose it is, where it can't be read; else empty.
    """

    name: str
    kind: Kind
    path: str
    inode: int
    refs: dict[str, str]
    revisions: tuple[Revision, ...]
    size_bytes: int
    stray: tuple[tuple[str, int], ...]
    unfinished: tuple[tuple[str, int], ...]
    accessed_at: float | None
    modified_at: float | None
    owner: str = ""

    @property
    def current(self) -> Revision | None:
        """The revision that a launch would take: of ``main``, else the one that came last."""
        times = [(one.commit or "", one.modified_at) for one in self.revisions]
        chosen = locating.newest(times, self.refs.get("main"))
        return next((one for one in self.revisions if (one.commit or "") == chosen), None)

    @property
    def older(self) -> Revision | None:
        """A whole revision beside the current one, where that lacks something."""
        current = self.current
        if current is None or not current.missing:
            return None
        whole = [one for one in self.revisions if not one.missing]
        return max(whole, key=lambda one: one.modified_at, default=None)
