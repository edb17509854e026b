"""What is wrong with this machine, and the report of it."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core.api.site import machine
from aim_jupyter.core.doctor import diagnosis, reporting
from aim_jupyter.core.records import Check


def doctor(report: Path | None = None) -> list[Check]:
    """Return what was checked on this machine, the failed checks first.

    Parameters
    ----------
    report : Path, optional
        Write there, for a maintainer, what was found; nothing in it names a person.

    Raises
    ------
    StateUnusable
        If the report can't be written.
    """
    here = machine()
    checks = diagnosis.checks(here)
    if report is not None:
        reporting.write(report, here, checks)
    return checks
