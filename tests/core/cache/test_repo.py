"""Which revision of a repository counts."""

from __future__ import annotations

from aim_jupyter.core.cache.repo import Repo, Revision


def revision(commit: str, modified_at: float, *missing: str) -> Revision:
    return Revision(
        commit=commit, path="", files=1, size_bytes=1, modified_at=modified_at, missing=missing
    )


def repo(*revisions: Revision, **refs: str) -> Repo:
    return Repo(
        name="Org/Model", kind="model", path="", inode=1, refs=refs, revisions=revisions,
        size_bytes=1, stray=(), unfinished=(), accessed_at=None, modified_at=None,
    )  # fmt: skip


def test_the_revision_of_main_is_the_current_one_else_the_newest() -> None:
    old, new = revision("a" * 40, 1.0), revision("b" * 40, 2.0)
    assert repo(old, new, main="a" * 40).current == old
    assert repo(old, new).current == new
    assert repo().current is None


def test_an_older_one_stands_in_only_for_one_that_lacks_something() -> None:
    whole, broken = revision("a" * 40, 1.0), revision("b" * 40, 2.0, "config.json")
    assert repo(whole, broken, main="b" * 40).older == whole
    assert repo(whole, revision("b" * 40, 2.0), main="b" * 40).older is None
    assert repo(broken, main="b" * 40).older is None
