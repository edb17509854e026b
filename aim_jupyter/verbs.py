"""The Python API: the verbs as functions.

They call the same core as the magics and the command, and hand out what a researcher works with:
DataFrames and `Server` handles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aim_jupyter import columns, figures, presenting, tables
from aim_jupyter.core import api
from aim_jupyter.core.planning import DEFAULT_IDLE_S, Request
from aim_jupyter.core.recipes.asked import Context
from aim_jupyter.core.records import CachedModel, CacheStats, Startable, Status
from aim_jupyter.server import Server

if TYPE_CHECKING:
    import openai
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
    return frame("recipes", api.recipe_list(model, users=users, context=context))


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


def launch(
    model: str = api.DEMO,
    *,
    recipe: str | None = None,
    gpus: Sequence[int] | None = None,
    precision: str | None = None,
    metric: Literal["latency", "throughput"] | None = None,
    users: int | None = None,
    context: Context = None,
    engine: str | None = None,
    name: str | None = None,
    new: bool = False,
    port: int | None = None,
    idle_s: float | None = DEFAULT_IDLE_S,
    lifetime_s: float | None = None,
    restarts: int | None = None,
    with_jupyter: bool = False,
    force: bool = False,
    options: Mapping[str, Any] | None = None,
    unset: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Server:
    """Start a server, or without `new` find the one with the same command; return its handle.

    Parameters
    ----------
    model : str
        A name of the catalogue, a repository of the Hub, or a folder.
    gpus : sequence of int, optional
        HIP ordinals; else free ones are chosen.
    precision, metric : str, optional
        Take a recipe of that precision, or one that is tuned for that; else the best one.
    users : int, optional
        Conversations at the same time.
    context : int or "auto", optional
        Tokens of each; "auto" is the most that all users have room for.
    idle_s, lifetime_s : float or None
        Seconds without a request, and in all, after which it stops; None is never.
    restarts : int or None
        How often in a row it is started again if it ends by itself once it was ready.
    with_jupyter : bool
        Whether it stops when this Jupyter server ends.
    options : mapping, optional
        The engine's own options, as in ``{"max-model-len": 8192}``; None is a bare switch.

    Raises
    ------
    AimError
        Before anything was started, with what was found and what to do.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> server = aim.launch("demo").wait()                            # doctest: +SKIP
    """
    request = Request(
        model=model,
        recipe=recipe,
        engine=engine,
        gpus=None if gpus is None else tuple(gpus),
        precision=precision,
        metric=metric,
        users=users,
        context=context,
        name=name,
        port=port,
        idle_s=idle_s,
        lifetime_s=lifetime_s,
        restarts=restarts,
        with_jupyter=with_jupyter,
        options=dict(options or {}),
        unset=tuple(unset),
        env=dict(env or {}),
        force=force,
    )
    return Server(api.launch(request, new=new))


def ps() -> pd.DataFrame:
    """Return all servers, live and ended.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> running = aim.ps().query("state == 'running'")
    """
    return frame("ps", api.servers())


def attach(server: str | None = None) -> Server:
    """Return the handle of a live server, from any process; without a name, of the latest.

    Raises
    ------
    ServerGone
        If it has ended, or its key is gone.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> server = aim.attach("demo")                                   # doctest: +SKIP
    """
    return Server(api.attach(server))


def client(server: str | None = None) -> openai.OpenAI:
    """Return a ready OpenAI client for a server; without a name, for the latest.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.client().models.list()                                    # doctest: +SKIP
    """
    return attach(server).client


def status() -> Status:
    """Return GPUs, engine, servers, cache and the next step as one record.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.status().machine.host                                     # doctest: +SKIP
    """
    return api.overview()


def wait(server: str | None = None, timeout_s: float = 1800.0) -> Server:
    """Block until a server is ready and return its handle.

    Raises
    ------
    StartFailed, WaitTimeout

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.wait("demo")                                              # doctest: +SKIP
    """
    return Server(api.server(server)).wait(timeout_s)


def metrics(
    server: str | None = None,
    *,
    window_s: float = api.WINDOW_S,
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
        return tables.timeline(api.history_columns(server, history_s))
    return tables.timeline(api.history(server, history_s, every_s=every_s))


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


def events(server: str | None = None) -> pd.DataFrame:
    """Return what happened to the servers, or to one: stages, health, leases, stops, ends.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> unwell = aim.events().query("kind == 'health'")
    """
    return frame("events", api.events(server))


def cache() -> pd.DataFrame:
    """Return the models on disk.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> complete = aim.cache().query("state == 'complete'")
    """
    return frame("cache", api.models_on_disk())


def cache_stats() -> CacheStats:
    """Return totals, folders, the hit rate of launches, and what the variables say, as a record.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_stats().totals.models                               # doctest: +SKIP
    """
    return api.cache_stats()


def cache_prefetch(
    *models: str, recipe: str | None = None, revision: str | None = None
) -> pd.DataFrame:
    """Bring models into the cache, verified; return them. What broke off goes on where it did.

    Parameters
    ----------
    *models : str
        Names of the catalogue, or repositories of the Hub.
    recipe, revision : str, optional
        The weights of this recipe, a branch, tag or commit; else those that a launch would take.

    Raises
    ------
    ModelMissing, StateUnusable, UnknownName
        With what went wrong and what to do.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_prefetch("Qwen/Qwen3-8B")                           # doctest: +SKIP
    """
    done: tuple[CachedModel, ...] = ()
    for fetch in api.prefetch(models, recipe=recipe, revision=revision):
        done = fetch.done
    return frame("cache", done)


def cache_verify(*models: str) -> pd.DataFrame:
    """Read models through, all if none is named, and return what is known of them then.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> damaged = aim.cache_verify().query("verified == False")
    """
    return frame("cache", list(api.verify(models)))


def cache_evict(
    *models: str,
    older_than_s: float | None = None,
    keep_bytes: int | None = None,
    free_bytes: int | None = None,
    yes: bool = False,
) -> pd.DataFrame:
    """Return what would go and what stays, and why; with `yes` it goes.

    Parameters
    ----------
    *models : str
        These alone; else the other arguments choose among all.
    older_than_s : float, optional
        What nobody has used for so many seconds.
    keep_bytes, free_bytes : int, optional
        What was used longest ago, until so much is left, or is freed.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> plan = aim.cache_evict(older_than_s=30 * 86400)
    """
    rule = api.EvictionRule(
        models=models, older_than_s=older_than_s, keep_bytes=keep_bytes, free_bytes=free_bytes
    )
    planned = api.evictions(rule)
    return frame("evict", api.evict(planned) if yes else planned)


def cache_pin(*models: str) -> pd.DataFrame:
    """Keep models whatever is evicted; return them.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_pin("Qwen/Qwen3-8B")                                # doctest: +SKIP
    """
    return frame("cache", api.pin(models))


def cache_unpin(*models: str) -> pd.DataFrame:
    """Let models be evicted again; return them.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_unpin("Qwen/Qwen3-8B")                              # doctest: +SKIP
    """
    return frame("cache", api.unpin(models))


def cache_why(model: str, recipe: str | None = None) -> Startable:
    """Return whether a model can start without network, and which files it lacks.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_why("demo").can_start
    True
    """
    return api.can_start(model, recipe)


def logs(server: str | None = None, lines: int = 40) -> list[str]:
    """Return the last lines of an engine's log.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.logs("demo", lines=5)                                     # doctest: +SKIP
    """
    return api.logs(server, lines=lines)


def stop(server: str | None = None, drain_s: float = api.DRAIN_S) -> Server:
    """End a server and verify that nothing of it is left.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.stop("demo").state                                        # doctest: +SKIP
    'stopped'
    """
    return Server(api.server(server)).stop(drain_s)


def frame(verb: columns.Verb, answer: Any) -> pd.DataFrame:
    """Return the DataFrame for what the core answered to a verb."""
    table = tables.frame(verb, presenting.rows(verb, answer))
    if verb == "recipes" and len(set(table["model"])) > 1:
        # The best of each model: then the model is what a row is about.
        return table.set_index("model")
    return table
