"""The files that a server needs: what is still to be fetched of them, and holding them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from aim_jupyter.core import cache
from aim_jupyter.core.records import Plan, Progress


def absent(plan: Plan) -> Iterator[tuple[str, str | None]]:
    """Yield what has to be downloaded with its revision: the model, and what drafts for it."""
    if plan.download is not None:
        yield plan.download, plan.revision
    if plan.drafter_download is not None:
        yield plan.drafter_download, None


def fetched(
    plan: Plan, repo: str, revision: str | None, folder: Path, wanted: Callable[[], bool]
) -> Iterator[Progress]:
    """Download one of them, as long as it is wanted; yield how far it is, last that it is there.

    Raises
    ------
    AimError
        If it can't be had.
    """
    download = cache.Download(repo, revision, folder, plan.argv[0])
    while download.poll() is None:
        if not wanted():
            download.end()
            return
        yield download.progress()
    download.check()
    yield download.progress()


@contextlib.contextmanager
def held(plan: Plan) -> Iterator[tuple[int, ...]]:
    """Hold the folders of a plan, so that nobody evicts them; the engine inherits that too."""
    root = plan.env.get("HF_HUB_CACHE")
    names = [name for name in (plan.model_path, plan.drafter) if name]
    with contextlib.ExitStack() as stack:
        each = (cache.using(cache.folder_in_use(name, root)) for name in names)
        yield tuple(handle for one in each for handle in stack.enter_context(one))
