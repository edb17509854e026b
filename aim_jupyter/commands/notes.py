"""The verbs of asking nicely: a word for who holds a GPU, and an answer."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence

from aim_jupyter import render
from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import Note


def ask(given: Namespace) -> list[str]:
    """Leave a word for who holds a GPU, where one is named; return all of this user's notes."""
    if given.gpu is None:
        return _lines(api.notes())
    if not given.words:
        raise BadUsage(
            "What for? Who holds it reads it.", f'%aim ask {given.gpu} "thesis due tonight"'
        )
    return _lines(api.leave_note(given.gpu, " ".join(given.words)))


def answer(given: Namespace) -> list[str]:
    """Answer what a user has asked for; return all of this user's notes."""
    return _lines(api.answer_note(given.user, " ".join(given.words)))


def _lines(notes: Sequence[Note]) -> list[str]:
    if not notes:
        return ["Nobody has asked you for a GPU, and you have asked nobody."]
    return render.note_lines(notes, os.geteuid(), api.machine().gpus)
