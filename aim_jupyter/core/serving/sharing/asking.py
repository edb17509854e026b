"""Asks the supervisors of other users what they share: all at the same time, within one budget.

Any user may make a socket there that never answers, or answers without an end. So nobody is waited
for beyond what all have together, and each user has only so many sockets that are asked.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from aim_jupyter.core.errors import BadUsage, StateUnusable
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.serving.sharing import sockets
from aim_jupyter.core.serving.sharing.listener import Offer
from aim_jupyter.core.serving.state.folder import check_name

#: Sockets of one user, and of all, that are asked: the first by name.
MOST_EACH, MOST = 32, 256
_MOST_BYTES = 1 << 18
_BLOCK = 1 << 16

_OFFER = msgspec.json.Decoder(resolved(Offer))


class Answer(Struct, frozen=True):
    """What one socket offers this user, and who listens there, as the kernel knows it."""

    door: str
    uid: int
    offer: Offer


class Asked(Struct, frozen=True):
    """Who has answered, and the owner of each socket that has not."""

    answers: tuple[Answer, ...] = ()
    silent: tuple[int, ...] = ()


class _Call:
    """One conversation: who listens, and what has come of the answer."""

    def __init__(self, door: str, line: socket.socket, uid: int) -> None:
        self.door, self.line, self.uid = door, line, uid
        self.said = bytearray()

    def hear(self) -> bool:
        """Take what is there; return whether it was the end of it."""
        block = self.line.recv(_BLOCK)
        self.said += block
        return not block or len(self.said) > _MOST_BYTES

    def answer(self) -> Answer | None:
        """Return the answer, None where it is none."""
        try:
            offer = _OFFER.decode(self.said)
            check_name(offer.record.name)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadUsage):
            return None
        return Answer(self.door, self.uid, offer)


def ask_all(budget_s: float, doors: Iterable[str] | None = None) -> Asked:
    """Return what the servers of others offer this user.

    Parameters
    ----------
    budget_s : float
        Seconds that all of them together may take.
    doors : iterable of str, optional
        Names of sockets to ask; all that are not this user's own if None.
    """
    with contextlib.ExitStack() as stack:
        try:
            place = stack.enter_context(sockets.opened())
        except StateUnusable:
            return Asked()
        names = _others(place) if doors is None else doors
        lines = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in iter(int, 1))
        calls, full = _called(place, zip(names, lines, strict=False))
        answers, silent = _heard(calls, time.monotonic() + budget_s)
        return Asked(tuple(answers), (*full, *silent))


def _others(place: int) -> list[str]:
    """Return the sockets of others, so many of each; a name may be anybody's, a file is not."""
    seen, found = Counter[int](), []
    for name, uid in sockets.owned(place):
        if uid != os.getuid() and seen[uid] < MOST_EACH:
            seen[uid] += 1
            found.append(name)
    return found[:MOST]


def _called(
    place: int, lines: Iterable[tuple[str, socket.socket]]
) -> tuple[list[_Call], list[int]]:
    """Return the calls that were taken, and the owners of those who take no more."""
    calls, full = [], list[int]()
    for name, line in lines:
        line.settimeout(0)
        try:
            line.connect(sockets.address(place, name))
            uid = sockets.peer(line)
        except BlockingIOError:
            with contextlib.suppress(OSError):
                full.append(os.stat(name, dir_fd=place, follow_symlinks=False).st_uid)
            continue
        except OSError:
            continue
        # Who listens may be another than whose file it is; the kernel knows.
        if name.startswith(sockets.lead(uid)):
            calls.append(_Call(name, line, uid))
    return calls, full


def _hears(call: _Call) -> bool:
    """Take what has come; return whether more is to come."""
    try:
        return not call.hear()
    except OSError:
        call.said.clear()
        return False


def _heard(calls: list[_Call], end: float) -> tuple[list[Answer], list[int]]:
    """Return the answers that have come by then, and the owners of what did not answer."""
    answers = []
    with selectors.DefaultSelector() as waiting:
        for call in calls:
            waiting.register(call.line, selectors.EVENT_READ, call)
        while waiting.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                if not _hears(key.data):
                    waiting.unregister(key.fileobj)
                    answer = key.data.answer()
                    answers += [answer] if answer else []
        return answers, [key.data.uid for key in waiting.get_map().values()]
