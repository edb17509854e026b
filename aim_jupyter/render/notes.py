"""What users of a node ask each other for: a line each."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from aim_jupyter.core.records import Gpu, Note
from aim_jupyter.render import words


def note_lines(notes: Sequence[Note], uid: int, gpus: Sequence[Gpu]) -> list[str]:
    """Return what `uid` was asked and has asked, each with its answer or how to give it."""
    return [one for note in notes for one in _lines(note, uid, gpus)]


def asked(note: Note, gpus: Sequence[Gpu]) -> str:
    """Return what somebody asks the holder."""
    return words.clean(f"{note.user} asks for {_gpu(note, gpus)}{_used(note)}: {note.words}")


def _lines(note: Note, uid: int, gpus: Sequence[Gpu]) -> list[str]:
    if note.holder_uid == uid:
        found = [asked(note, gpus)]
        if note.answer:
            return [*found, words.clean(f"  you: {note.answer}")]
        stop = [shlex.join(["%aim", "stop", note.server])] if note.server else []
        answer = shlex.join(["%aim", "answer", note.user]) + ' "at 18:00"'
        return [*found, *(f"  {line}" for line in (*stop, answer))]
    said = f"{note.holder}: {note.answer}" if note.answer else f"{note.holder} has not answered"
    mine = f"you ask {note.holder} for {_gpu(note, gpus)}{_used(note)}: {note.words}"
    return [words.clean(mine), words.clean(f"  {said}")]


def _gpu(note: Note, gpus: Sequence[Gpu]) -> str:
    index = next((gpu.hip_index for gpu in gpus if gpu.key == note.key), None)
    return f"GPU {note.key if index is None else index}"


def _used(note: Note) -> str:
    return f" ({note.server})" if note.server else ""
