"""The Hugging Face Hub, and its mirrors."""

from __future__ import annotations

import http.client
from typing import BinaryIO, ClassVar, cast

from aim_jupyter.core.cache import offered, reaching
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.cache.origins import asking
from aim_jupyter.core.cache.origins.origin import Sink
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records.plan import SourceKind


class Hub:
    """A repository of the Hub; what a mirror sends is held to the same hashes."""

    kind: ClassVar[SourceKind] = "hub"
    fixed: ClassVar[bool] = True
    title = "the Hub"

    def __init__(self, repo: str) -> None:
        self.repo = repo

    def offer(self, revision: str | None) -> int | None:
        """Return the bytes of what an engine needs, where the Hub says."""
        return reaching.check_reachable(self.repo, revision)

    def commit(self, revision: str | None) -> str:
        """Return the commit of a branch or tag."""
        return offered.commit_of(self.repo, revision)

    def files(self, commit: str) -> dict[str, Remote]:
        """Return the files of a commit by name."""
        return offered.files_of(self.repo, commit)

    def get(self, commit: str, file: Remote, sink: Sink, attempt: int) -> None:
        """Give the bytes of a file to `sink`; each attempt asks the next mirror."""
        from huggingface_hub.file_download import http_get  # noqa: PLC0415 - 0.3 s, this child only

        ways = offered.endpoints()
        endpoint = ways[attempt % len(ways)]
        http_get(
            self.url(commit, file, endpoint),
            cast(BinaryIO, sink),
            resume_size=sink.tell(),
            headers=offered.headers(endpoint),
            expected_size=file.size,
            displayed_filename=file.name,
        )

    def url(self, commit: str, file: Remote, endpoint: str | None = None) -> str:
        """Return where a file is had."""
        from huggingface_hub import hf_hub_url  # noqa: PLC0415 - 0.3 s, this child only

        return hf_hub_url(self.repo, file.name, revision=commit, endpoint=endpoint)

    def head(self, commit: str, file: Remote, begin: int, size: int) -> bytes:
        """Return a part of a file."""
        endpoint = offered.endpoints()[0]
        url = self.url(commit, file, endpoint)
        return asking.part(url, offered.headers(endpoint), begin, size)

    def passes(self, error: Exception) -> bool:
        """Return whether it is the server's trouble, or less came, or more, than was said."""
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status is not None:
            return bool(status >= http.client.INTERNAL_SERVER_ERROR)
        if len(offered.endpoints()) > 1 and offered.unreachable(error):
            return True
        return is_short(error)

    def refusal(self, error: Exception, revision: str | None = None) -> AimError | None:
        """Return what the Hub's client met as an expected failure."""
        return reaching.refusal(error, self.repo, revision)


def is_short(error: Exception) -> bool:
    """Whether `http_get` got less than it was told; what the disk says has a number."""
    return isinstance(error, OSError) and error.errno is None and "onsistency" in str(error)
