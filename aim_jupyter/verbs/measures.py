"""What servers do and did, measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aim_jupyter.core import api
from aim_jupyter.core.defaults import WINDOW_S
from aim_jupyter.tables import figures, frames
from aim_jupyter.verbs.frames import frame

if TYPE_CHECKING:
    import pandas as pd


def metrics(
    server: str | None = None,
    *,
    window_s: float = WINDOW_S,
    history_s: float | None = None,
    every_s: float | None = None,
) -> pd.DataFrame:
    """Return what the running servers do, or what one of them did.

    Parameters
    ----------
    server : str, optional
        Its name; else all that run, and of the past that of the last launched.
    window_s : float
        Seconds that rates and quantiles of now look back.
    history_s : float, optional
        Seconds of the past, indexed by ``at``: the last hour by the second, 25 hours by ten
        seconds, 31 days by five minutes.
    every_s : float, optional
        Seconds between two rows of the past; rates and quantiles are then those of the step.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.metrics().gen_tok_s                                       # doctest: +SKIP
    >>> aim.metrics("demo", history_s=1800).ttft_p95_ms.max()         # doctest: +SKIP
    """
    if history_s is None:
        return frame("metrics", api.metrics(server, window_s=window_s))
    if every_s is None:
        return frames.timeline(api.history_columns(server, history_s))
    return frames.timeline(api.history(server, history_s, every_s=every_s))


def usage(server: str | None = None, *, days: int = 31) -> pd.DataFrame:
    """Return what each server did on each day (UTC): tokens, requests, GPU hours, energy.

    Also of servers that have ended, until they are forgotten.

    Parameters
    ----------
    server : str, optional
        Its name; else all of yours.
    days : int
        So far back, 31 at most.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.usage().groupby("server").tokens_out.sum()                # doctest: +SKIP
    """
    return frame("usage", api.usage(server, days))


def exported(server: str | None = None) -> pd.DataFrame:
    """Return everything that the engines export, under their own names.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.exported("demo").loc["vllm:kv_cache_usage_perc"]          # doctest: +SKIP
    """
    return frame("raw", api.exported(server))


def plot(
    server: str | None = None, *, history_s: float = 600.0, to: str | Path | None = None
) -> figures.Plot:
    """Return a figure of what a server did; it needs matplotlib.

    Parameters
    ----------
    history_s : float
        Seconds of the past.
    to : str or Path, optional
        Write it there: the name ends in png, svg or pdf.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.plot("demo", history_s=3600, to="demo.pdf")               # doctest: +SKIP
    """
    return figures.plot(server, api.plotted(server, history_s), None if to is None else Path(to))
