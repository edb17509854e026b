"""What the status card and the tables show: records put together for one look."""

from __future__ import annotations

from msgspec import Struct

from aim_jupyter.core.records.cached import CacheTotals
from aim_jupyter.core.records.engine import EngineEnvironment
from aim_jupyter.core.records.gpu import Machine
from aim_jupyter.core.records.note import Note
from aim_jupyter.core.records.sample import Sample
from aim_jupyter.core.records.server import ServerRecord


class ServerView(Struct, frozen=True, kw_only=True):
    """A server as seen at one moment.

    Attributes
    ----------
    at : float or None
        That moment, in seconds since the epoch; cards count running times up to it.
    eta_s : float or None
        Seconds until ready, from the last start of the same plan; None without one.
    idle_left_s : float or None
        Seconds until the idle stop, None while requests run or where it never stops.
    shared_by : str or None
        Whose server it is, where another user shares it with this one.
    """

    record: ServerRecord
    at: float | None = None
    sample: Sample | None = None
    uptime_s: float | None = None
    eta_s: float | None = None
    idle_s: float | None = None
    idle_left_s: float | None = None
    shared_by: str | None = None


class NextStep(Struct, frozen=True, kw_only=True):
    """A line to run next, in its notebook form, and what it does."""

    line: str
    what: str


class Status(Struct, frozen=True, kw_only=True):
    """The five rows of the status card.

    Attributes
    ----------
    at : float
        Seconds since the epoch; the reading took `read_s` seconds.
    user : str or None
        Who looks: a GPU with this holder is "you".
    engine_known : bool
        False: there may be one, but nobody has asked it yet.
    asked : tuple of Note
        What others ask this user for, and have no answer to.
    """

    at: float
    read_s: float
    machine: Machine
    user: str | None = None
    engine: EngineEnvironment | None = None
    engine_known: bool = True
    servers: tuple[ServerView, ...] = ()
    cache: CacheTotals | None = None
    next: tuple[NextStep, ...] = ()
    asked: tuple[Note, ...] = ()


class Top(Struct, frozen=True, kw_only=True):
    """What every server and every GPU does at one moment, with the servers' recent past.

    Attributes
    ----------
    at : float
        Seconds since the epoch.
    user : str or None
        Who looks: a GPU with this holder is "you".
    servers : tuple of ServerView
        Live ones. Their samples are of the last seconds, not of the last minute.
    history : dict
        Of each server its samples, oldest first.
    """

    at: float
    machine: Machine
    user: str | None = None
    servers: tuple[ServerView, ...] = ()
    history: dict[str, tuple[Sample, ...]] = {}


class Check(Struct, frozen=True, kw_only=True):
    """One finding of the doctor: what was found, why it matters, the command that mends it."""

    name: str
    good: bool
    found: str
    fix: str = ""
