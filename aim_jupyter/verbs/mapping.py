"""A model over a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aim_jupyter.verbs.keeping import RunHandle
from aim_jupyter.verbs.progress import shower
from aim_jupyter.work.map import tables
from aim_jupyter.work.map.mapping import Map
from aim_jupyter.work.map.prompts import Prompt
from aim_jupyter.work.records import Route

Servers = str | Sequence[str] | None


def map(  # noqa: A001 - the verb's name; Python's own is not needed here
    df: Any,
    prompt: Prompt,
    *,
    into: str = "answer",
    schema: Any = None,
    servers: Servers = None,
    images: str | Sequence[str] = (),
    samples: int = 1,
    asks: int = 3,
    launch: bool = False,
    errors: bool = False,
    force: bool = False,
    background: bool = False,
    sampling: Mapping[str, Any] | None = None,
) -> Any:
    """Ask a model about each row of a table and return the table with the answers.

    It never raises for a row: the column ``<into>_error`` says what happened. What is answered is
    on disk, and the same call again asks only what is missing, in any process.

    Parameters
    ----------
    df
        A pandas, polars or pyarrow table, a list of dicts, or the path of a CSV, JSON lines or
        parquet file. It comes back as what it was, in its order; a file is written over.
    prompt
        A template, as in ``"Is this kind? {text}"``, messages of templates, or a function of the
        row that returns text or messages.
    into : str
        The column for the answers; a schema of several fields gives ``<into>_<field>`` each.
    schema : optional
        A pydantic model, a JSON Schema, or a list of choices.
    servers : str or sequence of str, optional
        Names of servers, or addresses; several share the rows. Else the last that was launched.
    images : str or sequence of str
        Columns with pictures, as paths or bytes.
    samples : int
        Answers a row, each with a seed of its own: then the columns hold lists.
    asks : int
        How often a row is asked, with what was wrong, until its answer is valid.
    launch : bool
        Launch a server of yours again where it has ended.
    errors : bool
        Ask those rows again that have failed.
    force : bool
        Go on although most of the first twenty rows fail.
    background : bool
        Return a `RunHandle` at once; a process of its own goes on, also without this one.
    sampling : mapping, optional
        What a request says besides: ``{"max_tokens": 64}``. Without: greedy, 512 tokens at most.

    Raises
    ------
    BadUsage, UnknownName
        If the question itself is wrong.
    ServerGone
        If the server has ended; what was answered is kept.
    RowsFailed
        If most of the first twenty rows failed, before more is asked.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> out = aim.map(df, "Is this kind? {text}", into="kind")        # doctest: +SKIP
    """
    made = Map(
        df,
        prompt,
        into=into,
        schema=schema,
        servers=servers,
        launch=launch,
        images=[images] if isinstance(images, str) else images,
        sampling=sampling,
        samples=samples,
        asks=asks,
    )
    if background:
        return RunHandle(made.begin(errors=errors, force=force))
    made.do(shower(), errors=errors, force=force)
    return made.out()


def embed(texts: Any, *, servers: Servers = None, launch: bool = False) -> Any:
    """Return a table of texts and their embeddings, kept and resumed as a map is.

    Parameters
    ----------
    texts
        A column of a pandas, polars or pyarrow table, or a list of texts.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> vectors = aim.embed(df.text).embedding                        # doctest: +SKIP
    """
    return _vectors(_column(texts), "embedding", "embed", servers, launch=launch)


def rerank(query: str, docs: Any, *, servers: Servers = None, launch: bool = False) -> Any:
    """Return a table of texts and how well each answers `query`.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> best = aim.rerank("free a GPU", df.text).nlargest(3, "score") # doctest: +SKIP
    """
    table = _column(texts=docs, query=query)
    return _vectors(table, "score", "rerank", servers, launch=launch)


def _vectors(table: Any, into: str, route: Route, servers: Servers, *, launch: bool) -> Any:
    made = Map(table, "{text}", into=into, route=route, servers=servers, launch=launch)
    made.do(shower())
    return made.out()


def _column(texts: Any, **more: str) -> Any:
    """Return a table with one column of texts, of the library that they are of."""
    if isinstance(texts, list | tuple):
        return [{**more, "text": text} for text in texts]
    import narwhals as nw  # noqa: PLC0415 - for a column of a table only

    series: Any = nw.from_native(texts, series_only=True)
    wide = series.alias("text").to_frame()
    return wide.with_columns(**{name: nw.lit(value) for name, value in more.items()}).to_native()


def compare(
    df: Any, prompt: Prompt, *, servers: Sequence[str], into: str = "answer", **options: Any
) -> Any:
    """Ask several models the same and return their answers side by side, and whether they agree.

    Parameters
    ----------
    servers : sequence of str
        Names or addresses; the answers of each go to ``<into>_<name>``.
    options
        Further arguments of `map`.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> out = aim.compare(df, "Kind? {text}", servers=["qwen3-8b", "demo"])   # doctest: +SKIP
    >>> out.answer_agree.mean()                                       # doctest: +SKIP
    """
    table, columns = df, []
    answers: list[list[Any]] = []
    for server in servers:
        name = f"{into}_{re.sub(r'[^A-Za-z0-9]+', '_', server)}"
        made = Map(table, prompt, into=name, servers=server, **options)
        made.do(shower())
        width = len(made.kinds) - 3
        answers.append([row[:width] if row[width] is None else None for row in made.rows()])
        table = made.out()
        columns.append(name)
    same = [
        None if None in row else all(each == row[0] for each in row)
        for row in zip(*answers, strict=True)
    ]
    known = [each for each in same if each is not None]
    about = getattr(table, "attrs", {}).get("aim", {})
    share = sum(known) / len(known) if known else None
    record = {**about, "compared": columns, "agreement": share}
    return tables.table(table).joined(
        {f"{into}_agree": "boolean"}, ((each,) for each in same), record
    )
