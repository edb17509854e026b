"""What there is to choose from: GPUs, engines, recipes, and what of it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aim_jupyter.commands import presenting
from aim_jupyter.core import api
from aim_jupyter.core.request.record import Context, Request
from aim_jupyter.verbs.frames import frame

if TYPE_CHECKING:
    import pandas as pd


def gpus() -> pd.DataFrame:
    """Return the GPUs of this machine, one a row; none where there is none.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> free = aim.gpus().query("state == 'free'")
    """
    return frame("gpus", api.machine())


def engines() -> pd.DataFrame:
    """Return the engine environments that were found, usable or not, and why not.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> usable = aim.engines().query("usable")
    """
    return frame("engines", api.engine_list())


def recipes(
    model: str | None = None, *, users: int | None = None, context: Context = None
) -> pd.DataFrame:
    """Return every recipe of `model` with verdict and reason, or the best of each model.

    Parameters
    ----------
    model : str, optional
        A name of the catalogue, a repository of the Hub, or a folder.
    users : int, optional
        Conversations at the same time.
    context : int or "auto", optional
        Tokens of each; "auto" is the most that all users have room for.

    Raises
    ------
    UnknownName
        If there is no such model.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.recipes("demo").recipe.iloc[0]
    'cpu-bf16-tp1'
    """
    asked = Request(model=model or "", users=users, context=context)
    request = api.with_variables(asked) if model else asked
    return frame("recipes", api.recipe_list(request))


def fit(model: str | None = None, **question: Any) -> dict[str, Any]:
    """Return whether a model fits: the verdict, its sum, and launches that would fit instead.

    Parameters
    ----------
    model : str, optional
        A name of the catalogue, a repository of the Hub, or a folder; else give `config`.
    **question
        The options of ``%aim fit`` with underscores: ``machine``, ``users``, ``context``
        (tokens, or "auto"), ``tp``, ``dtype``, ``kv_dtype``, ``util``, ``recipe``,
        ``engine_version``, …. Without ``machine`` it is this one, as it is now.

    Raises
    ------
    BadUsage, UnknownName
        If the question itself is wrong.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.fit("Qwen/Qwen3-8B", machine="mi300x:1", users=4)["verdict"]
    'FITS'
    """
    named = {} if model is None else {"model": model}
    return presenting.fit_json(api.fit({**named, **question}))


def fit_history() -> pd.DataFrame:
    """Return all starts on this site: what was predicted, and what each took.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> missed = aim.fit_history().kv_error_pct
    """
    return frame("fit", api.starts())
