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


class Run(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A run as its folder has it; each kind of run adds what is its own.

    Attributes
    ----------
    servers : tuple of str
        Names, or addresses.
    rows, done, failed : int
        Rows of a table, or levels of a bench; what is in none of the two is not done yet.
    took_s : float
        All sittings together.
    gpu_hours, energy_wh : float or None
        None where there is no GPU, or no figure for its power.
    """

    id: str
    served: Served
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
    def kind(self) -> str:
        """What kind of work it is."""
        return str(self.__struct_config__.tag)

    @property
    def left(self) -> int:
        """Rows that were not asked yet."""
        return self.rows - self.done - self.failed

    @property
    def asked(self) -> Struct:
        """What decides, beside what answers, whether it is the same work."""
        raise NotImplementedError


class MapRun(Run, frozen=True, kw_only=True, tag="map"):
    """A map over a table; `into` is the column that the answers go to."""

    question: Question
    into: str

    @property
    def asked(self) -> Question:
        """What is asked of each row."""
        return self.question


class Workload(Struct, frozen=True, kw_only=True):
    """What a bench sends, and what is wanted of the answers.

    Attributes
    ----------
    tokens_in, tokens_out : int
        Of each request; no two prompts are the same.
    of : str
        Where these lengths come from, in words.
    ttft_ms, itl_ms : float or None
        What the 95th percentile must not exceed: to the first token, and between two tokens.
    client : str
        What sends it: ``vllm bench serve``, or ``aim_jupyter`` where the engine has none.
    at : float
        When it began: a bench is measured anew each time.
    """

    tokens_in: int
    tokens_out: int
    of: str = ""
    ttft_ms: float | None = None
    itl_ms: float | None = None
    client: str = ""
    at: float = 0.0

    @property
    def limited(self) -> bool:
        """Whether something is wanted of the answers."""
        return self.ttft_ms is not None or self.itl_ms is not None


class Quantiles(Struct, frozen=True, kw_only=True):
    """Of one kind of times, in milliseconds; None where there was none."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Level(Struct, frozen=True, kw_only=True):
    """So many requests at once, measured at both sides.

    Attributes
    ----------
    requests, failed : int
        Answered, and not.
    took_s : float
        From the first request to the last answer.
    ttft, itl, e2e : Quantiles
        To the first token, between two tokens, to the last one; as the client sees them.
    good_s : float or None
        Requests a second that keep what is wanted; None where nothing is.
    engine : dict
        What the engine says of the same time, under the names of a `Sample`. Its KV use and queue
        are the most that was seen, its power is the mean.
    """

    at_once: int
    requests: int
    failed: int
    took_s: float
    tokens_in: int
    tokens_out: int
    ttft: Quantiles = Quantiles()
    itl: Quantiles = Quantiles()
    e2e: Quantiles = Quantiles()
    good_s: float | None = None
    engine: dict[str, float] = {}

    @property
    def gen_tok_s(self) -> float:
        """Tokens that came back, a second."""
        return self.tokens_out / self.took_s if self.took_s else 0.0


class BenchRun(Run, frozen=True, kw_only=True, tag="bench"):
    """A bench: its levels in the order of requests at once, and the one to work at.

    Attributes
    ----------
    gpus : int
        That serve.
    best : int or None
        Requests at once of the best level; None where none keeps what is wanted.
    """

    workload: Workload
    levels: tuple[Level, ...] = ()
    gpus: int = 0
    best: int | None = None

    @property
    def asked(self) -> Workload:
        """What is sent."""
        return self.workload


class Exam(Struct, frozen=True, kw_only=True):
    """What an evaluation asks.

    Attributes
    ----------
    tasks : tuple of str
        By the names that lm-evaluation-harness has for them; ``own`` is a table of one's own.
    limit : int or None
        Samples of each task at most.
    shots : int or None
        Examples before each question; else as the task says.
    own : dict or None
        The task that a table is, as a task file has it, and a digest of its rows.
    harness : str
        Its version.
    """

    tasks: tuple[str, ...]
    limit: int | None = None
    shots: int | None = None
    own: dict[str, Any] | None = None
    harness: str = ""


class Score(Struct, frozen=True, kw_only=True):
    """One figure of one task.

    Attributes
    ----------
    filter : str
        What was made of the answers before they were compared; ``none`` where nothing was.
    error : float or None
        The standard error; None where there is none, as of a single sample.
    samples, of : int
        Asked, and those that the task has.
    route : str
        ``completions`` or ``chat``.
    """

    task: str
    metric: str
    score: float
    filter: str = "none"
    error: float | None = None
    samples: int = 0
    of: int = 0
    route: str = ""
    version: str = ""


class EvalRun(Run, frozen=True, kw_only=True, tag="eval"):
    """An evaluation; its samples lie beside it."""

    exam: Exam
    scores: tuple[Score, ...] = ()

    @property
    def asked(self) -> Exam:
        """What is asked."""
        return self.exam


#: Every kind of run, as it is read.
AnyRun = MapRun | BenchRun | EvalRun


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

    run: MapRun
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
