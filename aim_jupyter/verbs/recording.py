"""What served an answer, and the same again."""

from __future__ import annotations

from aim_jupyter.commands import handlers
from aim_jupyter.core import api
from aim_jupyter.core.records.provenance import Provenance
from aim_jupyter.verbs.server import Server


def provenance(record: str | None = None) -> Provenance:
    """Return the record of what served: of a server, of that name, or in a file.

    Its name is the ``system_fingerprint`` of the answers, where the engine can carry one.

    Parameters
    ----------
    record : str, optional
        A server, a record's name or the beginning of it, or a file that was exported; without
        one, the last server.

    Raises
    ------
    UnknownName, BadUsage
        If there is none.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.provenance().served.engine_version                        # doctest: +SKIP
    '0.32.0'
    """
    return api.record(record)


def replay(record: str, *, check: bool = False, anyway: bool = False) -> Server:
    """Launch what a record says, if it would be the same here.

    Parameters
    ----------
    record : str
        As for `provenance`.
    check : bool
        Read the files of the model again: a cache may no longer hold what its names say.
    anyway : bool
        Launch although something differs.

    Raises
    ------
    BadUsage
        If something differs, with what.
    AimError
        If it can't be launched here.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> server = aim.replay("753808da53f31e24").wait()                # doctest: +SKIP
    """
    kept = api.record(record)
    return Server(api.replay(kept, handlers.asked_again(kept), check=check, anyway=anyway))
