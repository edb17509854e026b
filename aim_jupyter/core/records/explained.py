"""Why an engine ended, in full: what `%aim why` tells."""

from __future__ import annotations

from msgspec import Struct, field

from aim_jupyter.core.records.server import Stage


class Explanation(Struct, frozen=True, kw_only=True):
    """Why an engine ended: the crash card with its evidence, and what was ruled out.

    Attributes
    ----------
    log : str
        The file that was read.
    known : bool
        Whether a rule knew the failure; where none did, `cause` says Unknown.
    evidence : tuple of str
        The lines that lead to the decisive one.
    guess : str
        What a model that was asked has suggested: never the cause.
    """

    what: str
    cause: str = ""
    line: str = ""
    line_number: int | None = None
    log_lines: int = 0
    process: str = ""
    stage: Stage | None = None
    attempt: str = field(default="", name="try")
    because: str = field(default="", name="try_reason")
    ruled_out: tuple[str, ...] = ()
    known: bool = True
    evidence: tuple[str, ...] = ()
    engine: str = ""
    log: str = ""
    guess: str = ""
