"""Download one model, as a program: ``python -m aim_jupyter.core.cache.fetching REPO REV FILE``.

Runs as a child of the supervisor. It writes one JSON object to FILE: the total size as soon as that
is known, and the error and what to do if it fails. Bytes are counted by whoever watches the cache.
"""

from __future__ import annotations

import fnmatch
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, files
from aim_jupyter.core.cache import reaching
from aim_jupyter.core.errors import Offline

#: What an engine needs of a repository; duplicates of the weights in other formats stay away.
WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja", "*.py", "tekken.json")
UNWANTED = ("original/*", "metal/*", "onnx/*", "*/*.safetensors")


class Outcome(Struct, frozen=True, kw_only=True):
    """What the child has to say."""

    total_bytes: int | None = None
    error: str = ""
    hint: str = ""


def fetch(repo: str, revision: str | None, report: Path) -> None:
    """Download what an engine needs of `repo`, going on where an earlier download stopped."""
    from huggingface_hub import HfApi, snapshot_download  # noqa: PLC0415 - 0.3 s, this child only

    info = HfApi().model_info(repo, revision=revision, files_metadata=True)
    total = sum(file.size or 0 for file in info.siblings or [] if wanted(file.rfilename))
    files.write_atomic(report, msgspec.json.encode(Outcome(total_bytes=total)))
    snapshot_download(
        repo,
        revision=revision,
        cache_dir=config.model_cache_dir(),
        allow_patterns=list(WANTED),
        ignore_patterns=list(UNWANTED),
    )


def wanted(name: str) -> bool:
    """Whether an engine needs the file `name` of a repository.

    Examples
    --------
    >>> wanted("model-00001-of-00002.safetensors"), wanted("original/consolidated.00.pth")
    (True, False)
    """
    return any(fnmatch.fnmatch(name, pattern) for pattern in WANTED) and not any(
        fnmatch.fnmatch(name, pattern) for pattern in UNWANTED
    )


def main(repo: str, revision: str, report: str) -> int:
    """Fetch, and turn whatever goes wrong into an `Outcome`."""
    try:
        fetch(repo, revision or None, Path(report))
    except Exception as error:  # noqa: BLE001 - this child's only job is to say what went wrong
        files.write_atomic(Path(report), msgspec.json.encode(_outcome(error, repo, revision)))
        return 1
    return 0


def _outcome(error: Exception, repo: str, revision: str) -> Outcome:
    known = reaching.refusal(error, repo, revision)
    if isinstance(known, Offline):
        # It could be reached a moment ago: the connection broke.
        known = None
        error = ConnectionError("the connection to the Hub broke")
    if known is not None:
        return Outcome(error=known.found, hint=known.hint)
    said = (str(error) or type(error).__name__).splitlines()[0][:200]
    return Outcome(
        error=f"The download of {repo} failed: {said}.",
        hint=f"%aim launch {repo}: it goes on where it stopped",
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
