"""What a run is: what is asked, what answers, and what came of it."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec
from msgspec import Struct

Route = Literal["chat", "embed", "rerank"]
#: How a prompt is given: a template, messages of templates, the source of a function of the row.
Form = Literal["text", "messages", "function"]
#: What a run does now; `stopped` has rows that were not asked.
RunState = Literal["running", "stopped", "done"]
#: The same as it is seen from within: `waiting` is for an engine that is away.
LookState = Literal["first rows", "running", "waiting", "stopped", "done"]


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of each row: all of it decides whether an answer of before still holds.

    Attributes
    ----------
    prompt : str
        The template, the messages as JSON, or the source of a function of the row.
    images : tuple of str
        Columns with pictures.
    schema : dict or None
        The JSON Schema of an answer; with `choices` it is none.
    sampling : dict
        What a request says besides: ``max_tokens``, ``temperature``, ….
    samples : int
        Answers a row, each with a seed of its own.
    asks : int
        How often a row is asked whose answers are not valid.
    """

    prompt: str
    form: Form = "text"
    route: Route = "chat"
    images: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    choices: tuple[str, ...] = ()
    sampling: dict[str, Any] = {}
    samples: int = 1
    asks: int = 3


class Served(Struct, frozen=True, kw_only=True):
    """What answers: each of it can change an answer.

    Attributes
    ----------
    revision : str or None
        Of the model: a commit of the Hub, or a digest of a folder's files.
    options : dict
        The engine's options that can change an answer; not those of memory, place and number.
    """

    model: str
    revision: str | None = None
    engine: str = ""
    engine_version: str = ""
    platform: str = ""
    options: dict[str, str] = {}

    @property
    def record(self) -> str:
        """The name of all this: 12 hex digits."""
        return digest(self)[:12]


class Answer(Struct, frozen=True, kw_only=True):
    """What became of one row.

    Attributes
    ----------
    value : str or bytes or None
        The text of a reply; of an embedding its numbers as float32; of a reranking its score.
        Kept also where it is not valid.
    cause, error : str
        Why it failed: a word that failures are counted by, and at most 50 letters; empty else.
    ms : float
        From the first word sent to the last received.
    """

    value: str | bytes | None = None
    cause: str = ""
    error: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    ms: float | None = None
    asks: int = 1


class Run(Struct, frozen=True, kw_only=True):
    """A run as its folder has it.

    Attributes
    ----------
    into : str
        The column that the answers go to.
    servers : tuple of str
        Names, or addresses.
    rows, done, failed : int
        Of the table that was mapped last; what is in none of the two was not asked yet.
    took_s : float
        All sittings together.
    gpu_hours, energy_wh : float or None
        None where there is no GPU, or no figure for its power.
    """

    id: str
    question: Question
    served: Served
    into: str
    kind: Literal["map"] = "map"
    servers: tuple[str, ...] = ()
    rows: int = 0
    done: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    created_at: float = 0.0
    started_at: float = 0.0
    took_s: float = 0.0
    sittings: int = 0
    gpu_hours: float | None = None
    energy_wh: float | None = None
    reason: str = ""
    version: int = 1

    @property
    def left(self) -> int:
        """Rows that were not asked yet."""
        return self.rows - self.done - self.failed


class Look(Struct, frozen=True, kw_only=True):
    """A run as it goes: what a card shows.

    Attributes
    ----------
    at_once, most : int
        Requests open now, and at most so far; `why` says what decided. Of a run that has stopped,
        those that were dropped.
    rows_s, tok_in_s, tok_out_s : float or None
        Over the last minute.
    eta_s : tuple of float or None
        The least and the most that is left, in seconds; None before it can be said.
    causes : dict
        Failed rows by cause.
    last : tuple
        The last rows that came: number, text, answer, milliseconds.
    history, paces : tuple
        Rows a second and requests open, look by look, oldest first.
    """

    run: Run
    state: LookState
    at: float = 0.0
    since_s: float = 0.0
    at_once: int = 0
    most: int = 0
    why: str = ""
    rows_s: float | None = None
    tok_in_s: float | None = None
    tok_out_s: float | None = None
    eta_s: tuple[float, float] | None = None
    causes: dict[str, int] = {}
    last: tuple[tuple[int, str, str, float], ...] = ()
    history: tuple[float, ...] = ()
    paces: tuple[int, ...] = ()


def digest(*parts: Any) -> str:
    """Return a name for data: the same for the same, whatever the order of its keys."""
    return hashlib.blake2b(
        msgspec.json.encode(parts, order="deterministic"), digest_size=16
    ).hexdigest()
