"""Asking who holds a GPU for it: a word, and an answer. Nothing is ended by another user."""

from __future__ import annotations

import contextlib
import os

from aim_jupyter.core.api.site import machine
from aim_jupyter.core.errors import GpuUnavailable, StateUnusable, UnknownName
from aim_jupyter.core.leases import note
from aim_jupyter.core.records import Note


def notes() -> list[Note]:
    """Return what others have asked this user for, and what this user has asked others.

    Raises
    ------
    StateUnusable
        If the folder of the leases can't be believed.
    """
    me = os.geteuid()
    return [one for one in note.notes() if me in (one.uid, one.holder_uid)]


def unanswered() -> tuple[Note, ...]:
    """Return what others ask this user for, and have no answer to; nothing where none is known."""
    with contextlib.suppress(StateUnusable):
        me = os.geteuid()
        return tuple(one for one in notes() if one.holder_uid == me and not one.answer)
    return ()


def leave_note(gpu: int, words: str) -> list[Note]:
    """Leave a word for who holds a GPU; return all of this user's notes.

    Parameters
    ----------
    gpu : int
        HIP ordinal.

    Raises
    ------
    GpuUnavailable
        If there is no such GPU.
    BadUsage
        If nobody holds it, this user does, or that is no note.
    """
    names = {one.hip_index: one.key for one in machine().gpus}
    key = names.get(gpu)
    if key is None:
        have = ", ".join(str(index) for index in names if index is not None) or "none"
        raise GpuUnavailable(f"There is no GPU {gpu}; this machine has {have}.", "%aim gpus")
    note.leave(key, words)
    return notes()


def answer_note(user: str, words: str) -> list[Note]:
    """Answer what a user has asked this one; return all of this user's notes.

    Raises
    ------
    UnknownName
        If that user has asked nothing.
    BadUsage
        If that is no answer.
    """
    mine = [one for one in notes() if one.holder_uid == os.geteuid()]
    theirs = [one for one in mine if one.user == user]
    if not theirs:
        raise UnknownName("asker", user, {one.user for one in mine}, "%aim ask")
    for one in theirs:
        note.answer(one, words)
    return notes()
