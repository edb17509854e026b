"""What a user asks for: one record, and the table of its options.

The table is the record: each field says with which word a line asks for it, how its value is read,
what it means, and where it stands. The magic, the command, the Python API, the REST, completion and
the panel are made from it or tested against it; `CONTRIBUTING.md` says what a new option touches.
"""

# Not `from __future__ import annotations`: the table is read from the annotations.

import numbers
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, get_args

import msgspec
from msgspec import NODEFAULT, Meta, Struct, field

from aim_jupyter.core.defaults import IDLE_S
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import Mode, Source
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.request.values import (
    CLOCK,
    COUNT,
    NAMES,
    ORDINALS,
    PAIRS,
    SWITCH,
    TEXT,
    TIME,
    TOKENS,
    Kind,
)

End = Literal["line", "python", "rest", "panel", "sidebar"]
"""Where an option can stand: a line is that of the magic and of the command, which are the same;
in the panel and the sidebar it has a control of its own."""

Names = Literal["models", "servers", "engines", "recipes", "cached", "runs", "programs"]
"""What names can complete a word."""

# What comes from outside is bounded; a record that is made in Python is not looked at.
Line = Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text: what is typed into a field, a name or a path."""
Word = Annotated[str, Meta(max_length=65536, pattern=r"^[^\x00]*$")]
Clock = Annotated[str, Meta(pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$")]
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Times = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Ordinal = Annotated[int, Meta(ge=0, le=1023)]
Ordinals = Annotated[tuple[Ordinal, ...], Meta(max_length=1024)]
Seconds = Annotated[float, Meta(gt=0, le=10 * 365 * 86400)]

Context = Count | Literal["auto"] | None
"""Tokens of one request: a number, the most that fit ("auto"), or whatever the recipe says."""
Metric = Literal["latency", "throughput", "auto"]
Start = Mode | Literal["auto"]


class Option(NamedTuple):
    """One option of a launch.

    Attributes
    ----------
    word : str
        How a line says it; without dashes it is a line's first word.
    kind : Kind
        How its value is read and written.
    help : str
    ends : tuple of str
        Where it stands beside the line, the Python API and the REST, in which every option does.
    metavar : str
        What a help calls its value, if not as all of the kind.
    choices : tuple of str
        The values that there are, empty where there are no bounds.
    completes : str or None
        Which names complete it.
    secret : bool
        Whether a value may be nobody's to read: a line that is shown then leaves it out.
    chooses : bool
        Whether it decides with others which recipe runs where, so that one can stand for another.
    variable : str
        That of AMD's runtime which stands behind it.
    field, default
        Of `Request`: filled in by the table.
    """

    word: str
    kind: Kind
    help: str
    more: tuple[End, ...] = ()
    metavar: str = ""
    choices: tuple[str, ...] = ()
    completes: Names | None = None
    secret: bool = False
    chooses: bool = False
    variable: str = ""
    field: str = ""
    default: Any = None

    @property
    def ends(self) -> tuple[End, ...]:
        """All front ends in which it stands."""
        return ("line", "python", "rest", *self.more)

    @property
    def positional(self) -> bool:
        """Whether a line says it by its place."""
        return not self.word.startswith("-")

    def gathered(self, said: Any) -> Any:
        """Return the value of what was read: of an option that was said often, all of it."""
        gather = self.kind.gather
        return gather(said or ()) if gather else said


class _Model(Struct, frozen=True):
    """What can be said without a name."""

    model: Annotated[
        Line,
        Option(
            "model",
            TEXT,
            "a name, a Hugging Face repository or a folder; else a small real one",
            more=("panel", "sidebar"),
            completes="models",
            chooses=True,
            variable="AIM_ID",
        ),
    ] = ""


class Request(_Model, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user asks for; what is left open is None, and ours to choose.

    `OPTIONS` holds what each field means. An empty model is what AMD's variables say, else the demo
    where there is no GPU. The engine's own options have no dashes, and None is a bare switch; they
    beat the recipe's, and so does the environment.
    """

    recipe: Annotated[
        Line | None,
        Option(
            "--recipe",
            TEXT,
            "this recipe, not the best one",
            more=("panel", "sidebar"),
            metavar="ID",
            completes="recipes",
            chooses=True,
            variable="AIM_PROFILE_ID",
        ),
    ] = None
    precision: Annotated[
        Line | None,
        Option(
            "--precision",
            TEXT,
            "such as bf16 or fp8; auto is the best one",
            chooses=True,
            variable="AIM_PRECISION",
        ),
    ] = None
    metric: Annotated[
        Metric | None,
        Option(
            "--metric",
            TEXT,
            "tuned for this",
            choices=get_args(Metric),
            chooses=True,
            variable="AIM_METRIC",
        ),
    ] = None
    users: Annotated[
        Count | None,
        Option(
            "--users",
            COUNT,
            "so many conversations at the same time",
            more=("panel", "sidebar"),
            chooses=True,
        ),
    ] = None
    context: Annotated[
        Context,
        Option(
            "--context",
            TOKENS,
            "so many tokens each; auto is the most that all users have room for",
            more=("panel", "sidebar"),
        ),
    ] = None
    gpus: Annotated[
        Ordinals | None,
        Option(
            "--gpus", ORDINALS, "these GPUs, as in 4,5", more=("panel", "sidebar"), chooses=True
        ),
    ] = None
    most_gpus: Annotated[
        Count | None,
        Option(
            "--most-gpus",
            COUNT,
            "at most so many GPUs, whichever they are",
            variable="AIM_GPU_COUNT",
        ),
    ] = None
    engine: Annotated[
        Line | None,
        Option(
            "--engine",
            TEXT,
            "vllm, sglang, an environment of %aim engines, or container:IMAGE",
            more=("panel",),
            completes="engines",
            chooses=True,
            variable="AIM_ENGINE",
        ),
    ] = None
    name: Annotated[
        Line | None, Option("--name", TEXT, "call the server so", more=("panel", "sidebar"))
    ] = None
    new: Annotated[
        bool,
        Option(
            "--new", SWITCH, "start another one beside one that runs", more=("panel", "sidebar")
        ),
    ] = False
    port: Annotated[
        Port | None,
        Option("--port", COUNT, "listen there; else a free port is chosen", variable="AIM_PORT"),
    ] = None
    listen: Annotated[
        Line | None,
        Option(
            "--listen",
            TEXT,
            "unix: a socket file of your own; or an address of this machine (default: loopback)",
            metavar="WHERE",
        ),
    ] = None
    idle_s: Annotated[
        Seconds | None,
        Option(
            "--idle",
            TIME,
            "stop after so long without a request: 30m, never (default: 60m)",
            more=("panel",),
        ),
    ] = IDLE_S
    lifetime_s: Annotated[
        Seconds | None, Option("--for", TIME, "stop after so long", more=("panel",))
    ] = None
    queue: Annotated[
        bool,
        Option("--queue", SWITCH, "where the GPUs are taken, wait in line and start in turn"),
    ] = False
    until: Annotated[
        Clock | None, Option("--until", CLOCK, "with --queue: give up waiting then, as at 18:00")
    ] = None
    restarts: Annotated[
        Times | None,
        Option(
            "--restart",
            COUNT,
            "start it again, up to N times in a row, if it ends by itself once it was ready",
        ),
    ] = None
    with_jupyter: Annotated[
        bool, Option("--with-jupyter", SWITCH, "stop when this Jupyter server ends")
    ] = False
    start: Annotated[
        Start | None,
        Option(
            "--start",
            TEXT,
            "how: plain is the engine's own command, warm a fork of one that waits",
            choices=("auto", *get_args(Mode)),
        ),
    ] = None
    on: Annotated[
        Line | None,
        Option("--on", TEXT, "at this site, such as slurm: %aim sites", metavar="SITE"),
    ] = None
    partition: Annotated[
        Line | None,
        Option("--partition", TEXT, "this part of the site; inside of a job: another job"),
    ] = None
    dry_start: Annotated[
        bool,
        Option(
            "--dry-start",
            SWITCH,
            "first let vLLM's own code take the settings and build the model on paper: 15 s",
        ),
    ] = False
    force: Annotated[bool, Option("--force", SWITCH, "launch although the verdict is NO")] = False
    options: Annotated[
        Mapping[Line, Word | int | float | bool | list[Any] | dict[str, Any] | None],
        Option(
            "--set",
            PAIRS,
            "an engine option, for scripts",
            metavar="OPTION=VALUE",
            variable="AIM_ENGINE_ARGS",
        ),
    ] = field(default_factory=dict)
    unset: Annotated[
        tuple[Line, ...], Option("--unset", NAMES, "leave out one of the recipe's")
    ] = ()
    env: Annotated[
        Mapping[Line, Word], Option("--env", PAIRS, "a variable for the engine", secret=True)
    ] = field(default_factory=dict)


def _table() -> tuple[Option, ...]:
    """Return the options in the order of the fields, which is that of a line."""
    made = []
    for one in msgspec.structs.fields(Request):
        option = next(note for note in one.type.__metadata__ if isinstance(note, Option))
        default = one.default_factory() if one.default is NODEFAULT else one.default
        made.append(option._replace(field=one.name, default=default))
    return tuple(made)


OPTIONS = _table()
"""Every option of a launch, in the order of a line."""


_BY_FIELD = {option.field: option for option in OPTIONS}


def checked(said: Mapping[str, Any]) -> Request:
    """Return the request that has these fields, if their values are of the kinds that it holds.

    What a line has as a word may be one: ``"30m"`` for seconds, ``"4,5"`` for GPUs.

    Raises
    ------
    BadUsage
        If there is no such field, or its value is of another kind or out of bounds.
    """
    try:
        plain = {name: _plain(_BY_FIELD.get(name), value) for name, value in said.items()}
        return msgspec.convert(plain, resolved(Request))
    except ValueError as error:
        found = str(error).rstrip(".")
        raise BadUsage(f"A launch can't be asked for this: {found}.", "%aim help launch") from error


def _plain(option: Option | None, value: Any) -> Any:
    """Return a number of another library's as Python's, several values as a tuple, a word read."""
    if isinstance(value, str) and option is not None and option.kind.gather is None:
        return option.kind.read(value)
    if isinstance(value, str | bytes | bool | Mapping | None):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        # JSON has one kind of number: 300.0 is 300.
        number = float(value)
        return int(number) if number.is_integer() else number
    return tuple(_plain(None, one) for one in value) if isinstance(value, Iterable) else value


class Placed(Struct, frozen=True, kw_only=True):
    """Where the weights are: a folder, or a repository of which some is still to come."""

    path: str
    revision: str | None = None
    source: Source | None = None
    download: str | None = None
    download_bytes: int | None = None
    env: dict[str, str] = field(default_factory=dict)
