"""Asking web servers within bounds, by the session of the Hub's library, with its proxies."""

from __future__ import annotations

import contextlib
import http
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from aim_jupyter.core.cache.offered import LIMIT_S, Remote, unreachable
from aim_jupyter.core.cache.origins.origin import Interrupted, Sink

#: Bytes of the longest answer that is no file, and seconds that it may take.
MOST_ANSWER, _WHOLE_S = 32 << 20, 60.0
#: Seconds without a byte of a file.
SILENCE_S = 30.0
_ERROR = 400
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class Refused(Exception):
    """A server's answer that stays what it is; the argument is its status."""

    @property
    def status(self) -> int:
        """The status that it answered with."""
        return int(self.args[0])


def answer(url: str, headers: Mapping[str, str]) -> bytes:
    """Return what a server says.

    Raises
    ------
    Interrupted, Refused
    """
    end = time.monotonic() + _WHOLE_S
    with _asked("GET", url, headers, LIMIT_S) as said:
        body = bytearray()
        for block in said.iter_raw():
            body += block
            if len(body) > MOST_ANSWER or time.monotonic() > end:
                raise Interrupted("its answer has no end")
        return bytes(body)


def size(url: str, headers: Mapping[str, str]) -> int:
    """Return the bytes of a file, -1 where the server does not say."""
    with _asked("HEAD", url, headers, LIMIT_S) as said:
        length = said.headers.get("content-length", "")
        return int(length) if length.isdecimal() else -1


def part(url: str, headers: Mapping[str, str], begin: int, length: int) -> bytes:
    """Return so many bytes of a file, from the byte `begin` on."""
    ranged = {**headers, "Range": f"bytes={begin}-{begin + length - 1}"}
    found = bytearray()
    with _asked("GET", url, ranged, LIMIT_S) as said:
        skip = begin if said.status_code == http.HTTPStatus.OK else 0
        for block in said.iter_raw(1 << 16):
            found += block
            if len(found) >= skip + length:
                break
        return bytes(found[skip : skip + length])


def body(url: str, headers: Mapping[str, str], file: Remote, sink: Sink) -> None:
    """Give a file to `sink` from where that stands; from its beginning where there are no ranges.

    Raises
    ------
    Interrupted, Refused
        And what `sink` raises.
    """
    at = sink.tell()
    if at == file.size:
        return
    ranged = {**headers, "Range": f"bytes={at}-"} if at else headers
    with _asked("GET", url, ranged, SILENCE_S) as said:
        if at and not re.match(rf"bytes {at}-", said.headers.get("content-range", "")):
            sink.restart()
            if said.status_code != http.HTTPStatus.OK:
                raise Interrupted("another range came than was asked for")
        for block in said.iter_raw():
            sink.write(block)
    if sink.tell() < file.size:
        raise Interrupted("less came than was promised")


@contextlib.contextmanager
def _asked(method: str, url: str, headers: Mapping[str, str], silence_s: float) -> Iterator[Any]:
    from huggingface_hub import get_session  # noqa: PLC0415 - 0.3 s, and only where it is asked

    # Compressed, a few bytes would be as many as they like, and a range one of something else.
    said = {**headers, "Accept-Encoding": "identity"}
    try:
        with get_session().stream(
            method, url, headers=said, timeout=silence_s, follow_redirects=True
        ) as found:
            _check(found.status_code)
            yield found
    except Exception as error:
        if unreachable(error):
            raise Interrupted("the connection broke") from error
        raise


def _check(status: int) -> None:
    if status in _BUSY:
        raise Interrupted(f"it answered {status}")
    if status >= _ERROR:
        raise Refused(status)
