"""What a Hub says that a repository has: asked within bounds, and believed only where well-formed.

A mirror, a proxy, or whoever answers in the Hub's place says the names of files and the hashes that
name their contents here. Both become names on this disk, so they are taken for nothing else: a
hash is 40 or 64 hex digits, a commit 40, a name relative and normal. What is not so is refused with
the file's name, and the repository with it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import msgspec
from msgspec import Struct

from aim_jupyter.core import config
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
#: Of a server that may do better, or another one in its place.
_BUSY = (429, 500, 502, 503, 504)
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
        raise ModelMissing(f"{repo} has no revision that is a commit: {shown(sha)}.", _ELSEWHERE)
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
    listed = (_file(repo, entry) for entry in _entries(repo, commit) if entry.type == "file")
    return collected(repo, listed, _ELSEWHERE)


def _file(repo: str, entry: _Entry) -> Remote:
    size, etag = (entry.lfs.size, entry.lfs.oid) if entry.lfs else (entry.size, entry.oid)
    return checked(repo, Remote(name=entry.path, size=size, etag=etag), _HASH, _ELSEWHERE)


def checked(repo: str, file: Remote, hashes: re.Pattern[str], hint: str) -> Remote:
    """Return a file as somebody lists it, where it is what a file of a repository can be.

    Parameters
    ----------
    hashes : re.Pattern
        What a hash looks like there.
    hint : str
        What to do where the list is refused.

    Raises
    ------
    ModelMissing
        If it can't be one, with its name.
    """
    wrong = (
        "a name that leads elsewhere"
        if not store.is_plain(file.name)
        else f"the hash {shown(file.etag)}"
        if not hashes.fullmatch(file.etag)
        else f"{file.size} bytes"
        if not 0 <= file.size <= _BYTES
        else ""
    )
    if wrong:
        raise ModelMissing(f"{repo} lists {shown(file.name)} with {wrong}: refused.", hint)
    return file


def collected(repo: str, files: Iterable[Remote], hint: str) -> dict[str, Remote]:
    """Return files by name.

    Raises
    ------
    ModelMissing
        If a name comes twice, or there are more or larger files than any model has.
    """
    found: dict[str, Remote] = {}
    total = 0
    for file in files:
        total += file.size
        if file.name in found or len(found) >= _FILES or total > _BYTES:
            raise ModelMissing(
                f"{repo} lists {shown(file.name)} twice, or more than any model has.", hint
            )
        found[file.name] = file
    return found


def _entries(repo: str, commit: str) -> Iterator[_Entry]:
    end = time.monotonic() + _WHOLE_S
    url, data, more = _asked(f"/api/models/{quote(repo)}/tree/{commit}?recursive=true", end)
    first = url
    for _ in range(_PAGES):
        yield from _decoded(repo, data, list[_Entry])
        if not more:
            return
        url = urljoin(url, more)
        if urlsplit(url)[:2] != urlsplit(first)[:2]:
            raise ModelMissing(f"The list of {repo} goes on at {shown(url)}: refused.", _ELSEWHERE)
        data, more = _get(url, headers(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"), end)
    raise ModelMissing(f"The list of {repo} has no end.", _ELSEWHERE)


def _facts(repo: str, revision: str | None, query: str = "") -> _Facts:
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415 - see `_get`
        validate_repo_id,
    )

    validate_repo_id(repo)
    at = f"/revision/{quote(revision, safe='')}" if revision else ""
    end = time.monotonic() + _WHOLE_S
    _, data, _ = _asked(f"/api/models/{quote(repo)}{at}{query}", end)
    found: _Facts = _decoded(repo, data, _Facts)
    return found


def endpoints() -> list[str]:
    """Return the Hub, as `HF_ENDPOINT` says where it is, and its mirrors in their order."""
    from huggingface_hub import constants  # noqa: PLC0415

    return list(dict.fromkeys([str(constants.ENDPOINT), *config.hub_mirrors()]))


def headers(endpoint: str) -> dict[str, str]:
    """Return what a request to `endpoint` says: the user's token to the Hub alone."""
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415 - see `_get`
        build_hf_headers,
    )

    own = build_hf_headers(token=None if endpoint == endpoints()[0] else False)
    # Compressed, a few bytes would be as many as they like, and a range one of something else.
    return {**own, "Accept-Encoding": "identity"}


def unreachable(error: BaseException) -> bool:
    """Whether a server was not reached: the Hub's client lets errors of its HTTP library through.

    That library is httpx in huggingface_hub 1, httpx2 in 2; neither is ours to import.
    """
    libraries = {each.__module__.partition(".")[0] for each in type(error).__mro__}
    by_library = bool(libraries & {"httpx", "httpx2", "requests"})
    return by_library or isinstance(error, ConnectionError | TimeoutError)


def _asked(path: str, end: float) -> tuple[str, bytes, str]:
    """Return what the first that answers says, with its address: the Hub, then its mirrors."""
    *first, last = endpoints()
    for endpoint in first:
        try:
            return endpoint + path, *_get(endpoint + path, headers(endpoint), end)
        except Exception as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status is None and not unreachable(error):
                raise
            if status is not None and status not in _BUSY:
                raise
    return last + path, *_get(last + path, headers(last), end)


def _get(url: str, said: dict[str, str], end: float) -> tuple[bytes, str]:
    """Return an answer's body, and where its next page is.

    Raises
    ------
    ModelMissing
        If it is too long, or takes beyond `end`.
    """
    # Here, not above: 0.3 s, and only where the Hub is asked.
    from huggingface_hub import get_session  # noqa: PLC0415
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415
        hf_raise_for_status,
    )

    with get_session().stream(
        "GET", url, headers=said, timeout=LIMIT_S, follow_redirects=True
    ) as answer:
        body = bytearray()
        for block in answer.iter_raw():
            body += block
            if len(body) > _PAGE_BYTES or time.monotonic() > end:
                raise ModelMissing("The Hub's answer has no end.", _ELSEWHERE)
        if answer.status_code >= _ERROR:
            kept = {k: v for k, v in answer.headers.items() if k.lower().startswith("x-")}
            hf_raise_for_status(
                type(answer)(
                    answer.status_code, headers=kept, content=bytes(body), request=answer.request
                )
            )
        return bytes(body), str(answer.links.get("next", {}).get("url", ""))


def _decoded(repo: str, data: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=resolved(kind))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelMissing(f"What the Hub says of {repo} is not understood.", _ELSEWHERE) from error


def shown(text: str | None) -> str:
    """Return what somebody else wrote, as a part of a line."""
    said = ascii(text)
    return said if len(said) <= 100 else f"{said[:100]}…'"  # noqa: PLR2004 - of a line
