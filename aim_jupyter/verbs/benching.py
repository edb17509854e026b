"""How much a server does."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.defaults import AT_ONCE, ROUNDS
from aim_jupyter.verbs.keeping import RunHandle


def bench(
    server: str | None = None,
    *,
    tokens_in: int | None = None,
    tokens_out: int | None = None,
    like: str | None = None,
    ttft_ms: float | None = None,
    itl_ms: float | None = None,
    at_once: Sequence[int] = (),
    most: int = AT_ONCE,
    rounds: int = ROUNDS,
) -> RunHandle:
    """Measure a server at more and more requests at once, up to the one that it works best at.

    Its engine's own benchmark sends them where there is one (``vllm bench serve``), with prompts of
    which no two are the same. A bench that was broken off goes on with the levels that it has.

    Parameters
    ----------
    server : str, optional
        Its name, else the one launched last.
    tokens_in, tokens_out : int, optional
        Of each request.
    like : str, optional
        Where these come from else: chat, rag, summary, write or label; ``history`` for the requests
        that this server had; or the id of a map's run.
    ttft_ms, itl_ms : float, optional
        What the 95th percentile must not exceed: then the best level is the quickest that keeps
        it, else the knee.
    at_once : sequence of int
        These levels alone.
    most : int
        Requests at once at most.
    rounds : int
        Requests of a level for each of those at once.

    Raises
    ------
    AimError
        If the server does not run, can't take such requests, or answers none.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.bench("demo", tokens_in=128, tokens_out=64).frame()       # doctest: +SKIP
    """
    # Its client's library is loaded by a bench only.
    from aim_jupyter.work.bench.bench import Bench  # noqa: PLC0415

    made = Bench(
        server,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        like=like,
        ttft_ms=ttft_ms,
        itl_ms=itl_ms,
        at_once=at_once,
        most=most,
        rounds=rounds,
    )
    return RunHandle(made.do())
