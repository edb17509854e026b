"""The runs that are kept, of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_jupyter import render
from aim_jupyter.commands.work import held
from aim_jupyter.tables.columns import Verb
from aim_jupyter.verbs.frames import frame
from aim_jupyter.work import runs as kept
from aim_jupyter.work.evaluate.samples import samples
from aim_jupyter.work.map.drift import drift as compare
from aim_jupyter.work.records import BenchRun, EvalRun, Run
from aim_jupyter.work.runs import RunFolder

if TYPE_CHECKING:
    import pandas as pd


class RunHandle:
    """One run, from any process; what is known of it is read when it is asked for.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.run("m-7f3a").frame()                                     # doctest: +SKIP
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self.id = folder.id

    @property
    def record(self) -> Run:
        """All that is known of it now."""
        return self._folder.latest()

    @property
    def state(self) -> str:
        """One of running, stopped, done."""
        return self._folder.state(self.record)

    def frame(self) -> pd.DataFrame:
        """Return its rows.

        Those of a map are its answers, raw, with why some failed, tokens, and how long each took;
        those of a bench are its levels, those of an evaluation its scores.
        """
        tables: dict[type[Run], Verb] = {BenchRun: "levels", EvalRun: "scores"}
        return frame(tables.get(type(self.record), "answers"), held(self._folder))

    def samples(self) -> pd.DataFrame:
        """Return what an evaluation has asked: question, right answer, answer, what it counts.

        Raises
        ------
        BadUsage
            If it is none.
        """
        self._folder.read_as(EvalRun)
        return frame("samples", samples(self._folder))

    def stop(self) -> None:
        """Let the process that works on it keep what is done and leave."""
        self._folder.ask_to_stop()

    def evict(self) -> None:
        """Remove it with all its answers."""
        self._folder.evict()

    def __repr__(self) -> str:
        run = self.record
        words: dict[type[Run], str] = {BenchRun: "levels", EvalRun: "tasks"}
        what = words.get(type(run), "rows")
        done = f"{run.done} of {run.rows} {what}, {run.failed} failed"
        return f"Run({self.id!r}, {self.state}, {done})"

    def _repr_html_(self) -> str | None:
        """Show a bench as its card."""
        run = self.record
        return render.bench_card(run).html if isinstance(run, BenchRun) else None


def drift(run: str | None = None, server: str | None = None, *, rows: int = 20) -> pd.DataFrame:
    """Ask some rows of a map again, one by one, and return how much of each answer is the same.

    The same settings need not give the same answers on a GPU that computes several at once.

    Parameters
    ----------
    run : str, optional
        Its id; else the last. Its answers must be greedy, as those of a map are by default.
    server : str, optional
        A name or address; else the one that was asked.
    rows : int
        At most so many.

    Raises
    ------
    BadUsage
        If its answers were drawn by lot, or are no text.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.drift("m-7f3a").agree_pct.min()                           # doctest: +SKIP
    100.0
    """
    return frame("drift", compare(kept.find(run), server, count=rows).rows)


def runs() -> pd.DataFrame:
    """Return all runs that are kept, the newest first.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> unfinished = aim.runs().query("state == 'stopped'")
    """
    return frame("runs", kept.folders())


def run(name: str | None = None) -> RunHandle:
    """Return the handle of a run, or of the last one.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.run().state                                               # doctest: +SKIP
    """
    return RunHandle(kept.find(name))
