"""A word for who holds a device, and the answer: files beside the leases, each its writer's.

A note is for one hold: whoever has the device afterwards is not asked. Nothing is ended by it.
Everybody on the node can read it, as they can read who holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from aim_jupyter.core import users
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.leases import folder, locks
from aim_jupyter.core.leases.holder import Holder, holders
from aim_jupyter.core.leases.lease import DEVICE, unusable
from aim_jupyter.core.records import Note
from aim_jupyter.core.records.kinds import resolved

#: Letters of a note or an answer.
MOST = 200
#: Of one user's so many are looked at.
MOST_OF_ONE = 16
_NOTE, _ANSWER = "note-", "answer-"
_MOST_TEXT = 4096
_READABLE = 0o644


class _Said(Struct, frozen=True, kw_only=True):
    """What a file says. Anybody may have written anything: see `_read`."""

    key: str
    words: str


_SAID = msgspec.json.Decoder(resolved(_Said))


def leave(key: str, words: str) -> None:
    """Leave a word for who holds a device; a new one takes the place of the one before.

    Raises
    ------
    BadUsage
        If nobody holds it, this user does, or that is no note.
    StateUnusable
        If the folder of the leases can't be used.
    """
    holder = holders().get(key)
    if holder is None or holder.uid is None:
        raise BadUsage(
            "Nobody holds it." if holder is None else "Who holds it left no name.", "%aim gpus"
        )
    if holder.uid == os.geteuid():
        raise BadUsage(
            "It is yours.", f"%aim stop {holder.server}" if holder.server else "%aim gpus"
        )
    _write(f"{_NOTE}{os.geteuid()}-{_mark(key)}", key, words)


def answer(note: Note, words: str) -> None:
    """Answer a note, once more in place of the answer before.

    Raises
    ------
    BadUsage
        If that is no answer.
    StateUnusable
        If the folder of the leases can't be used.
    """
    _write(f"{_ANSWER}{os.geteuid()}-{_name(note)}", note.key, words)


def notes() -> list[Note]:
    """Return the notes to all who hold a device now, the oldest first.

    Raises
    ------
    StateUnusable
        If the folder is a link or could be emptied by anyone.
    """
    held = holders()
    with folder.opened(make=False) as place:
        if place is None or not held:
            return []
        found = [note for name in _names(place) if (note := _look(place, name, held)) is not None]
        answered = [_answered(place, note) for note in found]
    return sorted(answered, key=lambda note: note.at)


def _names(place: int) -> Iterator[str]:
    """Yield the names of the notes, of each user no more than a few."""
    lead, of_one = folder.prefix() + _NOTE, dict[str, int]()
    for name in sorted(os.listdir(place)):
        uid = name.removeprefix(lead).partition("-")[0]
        if name.startswith(lead) and of_one.setdefault(uid, 0) < MOST_OF_ONE:
            of_one[uid] += 1
            yield name


def _look(place: int, name: str, held: dict[str, Holder]) -> Note | None:
    found = _read(place, name, f"{_NOTE}{{uid}}-")
    holder = held.get(found[1].key) if found else None
    if found is None or holder is None or holder.uid is None:
        return None
    facts, said = found
    # To who had it before.
    if holder.uid == facts.st_uid or (holder.since or 0.0) > facts.st_mtime:
        return None
    return Note(
        key=said.key,
        uid=facts.st_uid,
        user=users.name(facts.st_uid),
        holder_uid=holder.uid,
        holder=users.name(holder.uid),
        server=holder.server,
        words=said.words,
        at=facts.st_mtime,
    )


def _answered(place: int, note: Note) -> Note:
    found = _read(
        place, f"{folder.prefix()}{_ANSWER}{note.holder_uid}-{_name(note)}", f"{_ANSWER}{{uid}}-"
    )
    if found is None:
        return note
    return msgspec.structs.replace(note, answer=found[1].words, answered_at=found[0].st_mtime)


def _read(place: int, name: str, lead: str) -> tuple[os.stat_result, _Said] | None:
    """Return what a file says, if it is of the user whom its name names, and may be shown."""
    handle = locks.open_to_look(place, name)
    if handle is None:
        return None
    try:
        facts = os.fstat(handle)
        said = _SAID.decode(os.pread(handle, _MOST_TEXT, 0))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    finally:
        os.close(handle)
    theirs = name.startswith(folder.prefix() + lead.format(uid=facts.st_uid))
    good = theirs and DEVICE.fullmatch(said.key) and said.words.isprintable()
    return (facts, said) if good and 0 < len(said.words) <= MOST else None


def _write(name: str, key: str, words: str) -> None:
    said = " ".join(words.split())
    if not said or not said.isprintable() or len(said) > MOST:
        raise BadUsage(
            f"A word is one line of at most {MOST} letters.",
            "say what for in a few words",
        )
    text = msgspec.json.encode(_Said(key=key, words=said))
    with folder.opened(make=True) as place:
        assert place is not None  # noqa: S101 - made, or raised
        folder.wait_until_writable(place)
        full = folder.prefix() + name
        hidden = f".{full}.{os.getpid()}"
        try:
            handle = os.open(
                hidden,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW,
                _READABLE,
                dir_fd=place,
            )
            try:
                os.fchmod(handle, _READABLE)
                os.write(handle, text)
            finally:
                os.close(handle)
            os.rename(hidden, full, src_dir_fd=place, dst_dir_fd=place)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(hidden, dir_fd=place)
            raise unusable(error) from error
        _tidy(place)


def _tidy(place: int) -> None:
    """Remove what this user wrote to holds that are over, a day later."""
    old = time.time() - 86400
    for kind in (_NOTE, _ANSWER):
        lead = f"{folder.prefix()}{kind}{os.geteuid()}-"
        for name in os.listdir(place):
            with contextlib.suppress(OSError):
                if name.startswith(lead) and os.stat(name, dir_fd=place).st_mtime < old:
                    os.unlink(name, dir_fd=place)


def _name(note: Note) -> str:
    """Return what an answer to a note names: it is to these very words."""
    return _mark(f"{note.uid} {note.key} {note.at}")


def _mark(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]
