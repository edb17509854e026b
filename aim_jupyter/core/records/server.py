"""A launched server: what its ``server.json`` holds."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from aim_jupyter.core.records.ability import Ability, confirmed
from aim_jupyter.core.records.job import Job
from aim_jupyter.core.records.plan import Plan
from aim_jupyter.core.records.process import ProcessId

State = Literal["starting", "running", "stopping", "stopped", "failed", "unknown"]
Stage = Literal["queued", "download", "boot", "load", "compile", "capture", "ready"]
STAGES: tuple[Stage, ...] = get_args(Stage)


class Address(Struct, frozen=True, kw_only=True):
    """Where a server is reached by programs on this machine: a host and port, or a socket file."""

    host: str = "127.0.0.1"
    port: int = 0
    socket: str = ""


class StageTime(Struct, frozen=True, kw_only=True):
    """One stage of a start; `took_s` is None while it runs. Times are seconds since the epoch."""

    stage: Stage
    began_at: float
    took_s: float | None = None
    detail: str = ""
    fraction: float | None = None


class Crash(Struct, frozen=True, kw_only=True):
    """Why a server ended that nobody stopped: the parts of the crash card.

    Attributes
    ----------
    what, cause : str
        What happened and the likely cause, a sentence each.
    line, line_number
        The decisive line of the engine's log, and where it stands (1-based; None in a log of which
        only the end was read).
    process : str
        Which of the engine's processes wrote it, with its rank, as it calls itself:
        ``Worker_TP1``, ``EngineCore``.
    stage : Stage or None
        That the start was in by then, as far as the log says.
    known : bool
        Whether a rule knew the failure. Where none did, `excerpt` is what there is to go by.
    excerpt : tuple of str
        At most twenty lines of the log that end with what went wrong.
    try_line : str
        A launch line or command that mends it, empty where none is known.
    try_change, try_reason : str
        The part of `try_line` that is new, as it stands there; why it should do.
    ruled_out : tuple of str
        What else failed in the log, and why it does not decide.
    """

    what: str
    line: str = ""
    line_number: int | None = None
    log_lines: int = 0
    process: str = ""
    stage: Stage | None = None
    known: bool = True
    excerpt: tuple[str, ...] = ()
    cause: str = ""
    try_line: str = ""
    try_change: str = ""
    try_reason: str = ""
    cleaned_up: str = ""
    ruled_out: tuple[str, ...] = ()


class ServerRecord(Struct, frozen=True, kw_only=True):
    """All that is known of a server. Written by its supervisor alone, read by everyone.

    Attributes
    ----------
    version : int
        Of this layout; a reader that meets a newer one says so instead of guessing.
    host : str
        Where its supervisor runs. Its processes, and the clock since boot, mean nothing elsewhere.
    job : Job or None
        In which it runs at a site; None on this machine.
    away : bool
        Whether it runs on another machine than the one that looks; never written.
    reached : Address or None
        Where it is reached from here then, if somebody has opened the way; never written.
    supervisor, engine : ProcessId or None
        The latter is the engine's keeper, whose pid is also the session of all of the engine.
    created_at, ready_at, ended_at : float or None
        Seconds since the epoch (UTC): to be shown.
    created_up_s, ready_up_s, idle_up_s : float or None
        The same in seconds since boot: what has passed is counted from these, so that nothing ends
        because somebody set the clock.
    restarts : int
        How often the engine was started again since it last ran for long.
    started_by : str
        How the engine was started: the plan's mode, the one it fell back to, or ``warming`` where
        the warm host had to be started as well; empty before.
    provenance : str
        The name of the record of what is served; empty before, and where it could not be taken.
    expected_s : dict
        Seconds per stage of earlier starts of the same plan; empty where there was none.
    idle_since : float or None
        When the last request was seen to end, None while one runs or before ready.
    log_lines, log_last, log_offset : int, str, int
        What was read of the engine's log so far, up to that byte: a supervisor that takes over
        reads on from there.
    tasks : tuple of str
        What the engine said that it does, in its own words; empty before, and where it says none.
    facts : dict
        What the engine said of itself at its start: `weights_gib`, `kv_gib`, `kv_tokens`. The
        cards also know `users`, `context_tokens`, `first_token_s`, `weights_predicted_gib` and
        `kv_predicted_gib`.
    """

    name: str
    plan: Plan
    version: int = 1
    host: str = ""
    job: Job | None = None
    away: bool = False
    reached: Address | None = None
    state: State = "starting"
    stages: tuple[StageTime, ...] = ()
    started_by: str = ""
    provenance: str = ""
    expected_s: dict[str, float] = {}
    port: int | None = None
    socket: str = ""
    supervisor: ProcessId | None = None
    engine: ProcessId | None = None
    created_at: float = 0.0
    ready_at: float | None = None
    ended_at: float | None = None
    idle_since: float | None = None
    created_up_s: float | None = None
    ready_up_s: float | None = None
    idle_up_s: float | None = None
    restarts: int = 0
    exit_code: int | None = None
    reason: str = ""
    crash: Crash | None = None
    log_lines: int = 0
    log_last: str = ""
    log_offset: int = 0
    tasks: tuple[str, ...] = ()
    facts: dict[str, float] = {}

    @property
    def stage(self) -> Stage | None:
        """The stage that the start is in, or came to."""
        return self.stages[-1].stage if self.stages else None

    @property
    def does(self) -> tuple[Ability, ...]:
        """What it does: as expected, and once the engine has said it, as confirmed."""
        return confirmed(self.plan.does, self.tasks)

    @property
    def live(self) -> bool:
        """Whether the record says that something runs or is about to."""
        return self.state in ("starting", "running", "stopping")

    @property
    def waits(self) -> bool:
        """Whether it waits for its turn, here or at a site."""
        return self.state == "starting" and self.stage == "queued"

    @property
    def devices(self) -> str:
        """The devices in words: ``GPU 4,5``; of one that never had any, how many it wants."""
        count = len(self.plan.gpus)
        if self.stage != "queued" or not count:
            return self.plan.devices
        return f"{count} GPU{'s' * (count > 1)}"

    @property
    def address(self) -> Address | None:
        """Where it is reached on this machine, None before it has a place."""
        if self.away:
            return self.reached
        if self.plan.listen == "unix":
            return Address(socket=self.socket) if self.socket else None
        if not self.port:
            return None
        own = self.plan.listen in ("loopback", "0.0.0.0")  # noqa: S104 - compared, not bound
        return Address(host="127.0.0.1" if own else self.plan.listen, port=self.port)

    @property
    def url(self) -> str | None:
        """The OpenAI base URL, for programs on this machine; a socket file has none."""
        at = self.address
        return f"http://{at.host}:{at.port}/v1" if at and not at.socket else None

    @property
    def base_url(self) -> str:
        """What a client is given as one: of a socket file the path alone."""
        return self.url or ("http://localhost/v1" if self.socket else "")

    @property
    def endpoint(self) -> str | None:
        """Where it listens, as users read it: its URL, or ``unix:`` and the socket file."""
        at = self.address
        return f"unix:{at.socket}" if at and at.socket else self.url
