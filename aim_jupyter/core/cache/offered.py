"""What a Hub says that a repository has: asked within bounds, and believed only where well-formed.

A mirror, a proxy, or whoever answers in the Hub's place says the names of files and the hashes that
name their contents here. Both become names on this disk, so they are taken for nothing else: a
hash is 40 or 64 hex digits, a commit 40, a name relative and normal. What is not so is refused with
the file's name, and the repository with it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import msgspec
from msgspec import Struct

from aim_jupyter.core.cache import store
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.records.kinds import resolved

#: Seconds that an answer may make us wait, and that a whole listing may take.
LIMIT_S = 8.0
_WHOLE_S = 60.0
_PAGES, _PAGE_BYTES = 1000, 32 << 20
_FILES, _BYTES = 100_000, 1 << 46
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ERROR = 400
_ELSEWHERE = "another mirror, or the Hub itself: unset HF_ENDPOINT"


class Remote(Struct, frozen=True, kw_only=True):
    """One file of a repository at one commit, as the Hub describes it.

    Attributes
    ----------
    etag : str
        What its blob is called: the hash of its content.
    """

    name: str
    size: int
    etag: str


class _Lfs(Struct):
    oid: str = ""
    size: int = -1


class _Entry(Struct):
    type: str = ""
    path: str = ""
    size: int = -1
    oid: str = ""
    lfs: _Lfs | None = None


class _Sibling(Struct):
    rfilename: str = ""
    size: int | None = None


class _Facts(Struct):
    sha: str | None = None
    siblings: list[_Sibling] = []


def commit_of(repo: str, revision: str | None) -> str:
    """Return the commit that a revision of a repository is.

    Raises
    ------
    ModelMissing
        If the answer names none. And what `huggingface_hub` raises for an answer of the Hub.
    """
    sha = _facts(repo, revision).sha
    if sha is None or not _COMMIT.fullmatch(sha):
        raise ModelMissing(f"{repo} has no revision that is a commit: {_shown(sha)}.", _ELSEWHERE)
    return sha


def sizes_of(repo: str, revision: str | None) -> dict[str, int]:
    """Return the names of a repository's files with their bytes, 0 where nobody says.

    Raises
    ------
    ModelMissing
        If the answer is no list of files. And what `huggingface_hub` raises.
    """
    found = _facts(repo, revision, "?blobs=true").siblings
    sizes = {file.rfilename: file.size or 0 for file in found}
    if min(sizes.values(), default=0) < 0 or sum(sizes.values()) > _BYTES:
        raise ModelMissing(f"{repo} has files of no possible size.", _ELSEWHERE)
    return sizes


def files_of(repo: str, commit: str) -> dict[str, Remote]:
    """Return the files of a commit by name.

    Raises
    ------
    ModelMissing
        If one is not what a file of a repository can be, naming it; if there is no end of them.
        And what `huggingface_hub` raises for an answer of the Hub.
    """
    found: dict[str, Remote] = {}
    total = 0
    for entry in _entries(repo, commit):
        if entry.type != "file":
            continue
        file = _file(repo, entry)
        total += file.size
        if file.name in found or len(found) >= _FILES or total > _BYTES:
            raise ModelMissing(
                f"{repo} lists {_shown(file.name)} twice, or more than any model has.", _ELSEWHERE
            )
        found[file.name] = file
    return found


def _file(repo: str, entry: _Entry) -> Remote:
    size, etag = (entry.lfs.size, entry.lfs.oid) if entry.lfs else (entry.size, entry.oid)
    wrong = (
        "a name that leads elsewhere"
        if not store.is_plain(entry.path)
        else f"the hash {_shown(etag)}"
        if not _HASH.fullmatch(etag)
        else f"{size} bytes"
        if not 0 <= size <= _BYTES
        else ""
    )
    if wrong:
        raise ModelMissing(f"{repo} lists {_shown(entry.path)} with {wrong}: refused.", _ELSEWHERE)
    return Remote(name=entry.path, size=size, etag=etag)


def _entries(repo: str, commit: str) -> Iterator[_Entry]:
    end = time.monotonic() + _WHOLE_S
    first = url = f"{_endpoint()}/api/models/{quote(repo)}/tree/{commit}?recursive=true"
    for _ in range(_PAGES):
        data, more = _get(url, end)
        yield from _decoded(repo, data, list[_Entry])
        if not more:
            return
        url = urljoin(url, more)
        if urlsplit(url)[:2] != urlsplit(first)[:2]:
            raise ModelMissing(f"The list of {repo} goes on at {_shown(url)}: refused.", _ELSEWHERE)
    raise ModelMissing(f"The list of {repo} has no end.", _ELSEWHERE)


def _facts(repo: str, revision: str | None, query: str = "") -> _Facts:
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415 - see `_get`
        validate_repo_id,
    )

    validate_repo_id(repo)
    at = f"/revision/{quote(revision, safe='')}" if revision else ""
    url = f"{_endpoint()}/api/models/{quote(repo)}{at}{query}"
    found: _Facts = _decoded(repo, _get(url, time.monotonic() + _WHOLE_S)[0], _Facts)
    return found


def _get(url: str, end: float) -> tuple[bytes, str]:
    """Return an answer's body, and where its next page is.

    Raises
    ------
    ModelMissing
        If it is too long, or takes beyond `end`.
    """
    # Here, not above: 0.3 s, and only where the Hub is asked.
    from huggingface_hub import get_session  # noqa: PLC0415
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415
        build_hf_headers,
        hf_raise_for_status,
    )

    # Compressed, a few bytes would be as many as they like.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    with get_session().stream(
        "GET", url, headers=headers, timeout=LIMIT_S, follow_redirects=True
    ) as answer:
        body = bytearray()
        for block in answer.iter_raw():
            body += block
            if len(body) > _PAGE_BYTES or time.monotonic() > end:
                raise ModelMissing("The Hub's answer has no end.", _ELSEWHERE)
        if answer.status_code >= _ERROR:
            said = {k: v for k, v in answer.headers.items() if k.lower().startswith("x-")}
            hf_raise_for_status(
                type(answer)(
                    answer.status_code, headers=said, content=bytes(body), request=answer.request
                )
            )
        return bytes(body), str(answer.links.get("next", {}).get("url", ""))


def _decoded(repo: str, data: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=resolved(kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelMissing(f"What the Hub says of {repo} is not understood.", _ELSEWHERE) from error


def _endpoint() -> str:
    from huggingface_hub import constants  # noqa: PLC0415

    return str(constants.ENDPOINT)


def _shown(text: str | None) -> str:
    """Return what somebody else wrote, as a part of a line."""
    said = ascii(text)
    return said if len(said) <= 100 else f"{said[:100]}…'"  # noqa: PLR2004 - of a line
