"""What passes as JSON between a supervisor, a warm host and the keeper of an engine.

For mypy alone: keeper and host run where nothing of this package can be imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict


class Keeping(TypedDict):
    """What a keeper has to know of its engine.

    Attributes
    ----------
    engine, supervisor : list of str
        Their argv.
    environment : dict
        The supervisor's; the engine's is the keeper's own.
    folder : str
        Of the server.
    parent : int
        Pid of the supervisor.
    leases : sequence of int
        Descriptors that only the engine inherits.
    stop : int
        The signal that tells the engine to finish.
    replaced : bool
        Whether a lost supervisor is replaced; in a job it is not, the job is over with it.
    """

    engine: list[str]
    supervisor: list[str]
    environment: dict[str, str]
    folder: str
    parent: int
    leases: Sequence[int]
    stop: int
    replaced: bool


class Told(Keeping):
    """The same for a keeper that runs: `report` is the descriptor where a failure is told."""

    report: int


class ForkRequest(TypedDict):
    """What a host is asked: a server. Log, report and leases come beside it, as descriptors.

    Attributes
    ----------
    environment : dict
        The engine's.
    limits : dict
        By the names of `resource`, soft and hard.
    model : str
        A folder, whose code the host imports for the next time.
    """

    do: Literal["fork"]
    told: Keeping
    environment: dict[str, str]
    limits: Mapping[str, tuple[int, int]]
    umask: int
    model: str


class Question(TypedDict):
    """The other thing that a host is asked: what it is and has done."""

    do: Literal["status"]


class Instructions(TypedDict):
    """What a host is started with.

    Attributes
    ----------
    listener : int
        The descriptor of its listening socket.
    idle_s : float
        It ends after so long without a request or a server that lives.
    keeper : str
        The file of the keeper.
    ready : str
        The file to make once it can fork.
    command : str
        The engine's module.
    ahead : dict
        What else is imported, by platform; ``any`` is for all.
    """

    listener: int
    idle_s: float
    keeper: str
    ready: str
    command: str
    ahead: Mapping[str, Sequence[str]]
