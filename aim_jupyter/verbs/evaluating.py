"""How well a server answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aim_jupyter.verbs.keeping import RunHandle


def evaluate(
    tasks: str | Sequence[str] = (),
    server: str | None = None,
    *,
    table: Any = None,
    prompt: str = "",
    answer: str = "",
    choices: Sequence[str] = (),
    limit: int | None = None,
    shots: int | None = None,
) -> RunHandle:
    """Let lm-evaluation-harness ask a server, from an environment of its own.

    What it needs is installed once by ``%aim engine install eval``. The same again asks only what
    was not answered yet.

    Parameters
    ----------
    tasks : str or sequence of str
        Names that the harness has, such as ``arc_easy``.
    server : str, optional
        Its name, else the one launched last.
    table
        A task of one's own: a pandas, polars or pyarrow table, a list of dicts, or the path of a
        CSV, JSON lines or parquet file.
    prompt, answer : str
        Of the table: a template of its columns, and the column with the right answers.
    choices : sequence of str
        Of the table: what is chosen from. Without, what the model writes must be the answer.
    limit : int, optional
        Samples of each task at most: try 20 first.
    shots : int, optional
        Examples before each question; else as the task says.

    Raises
    ------
    NoEngine
        If the harness is not installed.
    UnknownName, BadUsage
        If there is no such task or column.
    EvalFailed
        If it broke off.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> run = aim.evaluate(                                           # doctest: +SKIP
    ...     table=df, prompt="Kind? {text}", answer="label", choices=["yes", "no"])
    >>> run.frame().score                                             # doctest: +SKIP
    """
    # For an evaluation only.
    from aim_jupyter.work.evaluate.evaluation import Evaluation  # noqa: PLC0415
    from aim_jupyter.work.evaluate.own import OwnTask  # noqa: PLC0415

    names = [tasks] if isinstance(tasks, str) else list(tasks)
    own = None if table is None else OwnTask(table, prompt, answer, choices)
    return RunHandle(Evaluation(names, server, own=own, limit=limit, shots=shots).do())
