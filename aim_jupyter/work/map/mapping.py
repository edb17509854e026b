"""A map from end to end: rows are written down, asked, and come back as columns."""

from __future__ import annotations

import array
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from aim_jupyter.core import files
from aim_jupyter.core.errors import BadUsage, StateUnusable
from aim_jupyter.core.serving.supervisor import spawn
from aim_jupyter.work import runs
from aim_jupyter.work.map import endpoints, tables
from aim_jupyter.work.map.prompts import Prompt, Prompts, Unaskable
from aim_jupyter.work.map.running import Running
from aim_jupyter.work.map.schemas import Kind, Schema
from aim_jupyter.work.map.store import Item, key_of
from aim_jupyter.work.records import Answer, Look, MapRun, Question, Route, digest
from aim_jupyter.work.runs import RunFolder

Show = Callable[[Look], None]
#: An end, so that one row can't take all; and greedy, so that the same row has the same answer.
SAMPLING: dict[str, Any] = {"max_tokens": 512, "temperature": 0.0}
#: Columns that every map adds, after those of the answer.
FACTS: dict[str, Kind] = {"error": "string", "tokens_in": "integer", "tokens_out": "integer"}
NOT_ASKED = "not asked"


class Map:
    """One map over one table, before, while and after its rows are asked.

    Parameters
    ----------
    given
        A pandas, polars or pyarrow table, a list of dicts, or the path of a file.
    prompt : Prompt
        A template of columns, messages of templates, or a function of the row; of an embedding or
        a reranking the text itself.
    into : str
        The column for the answers.
    schema
        See `Schema`.
    route : Route
        What is asked for: a reply, an embedding, a score.
    servers : str or sequence of str, optional
        Names or addresses; else the server that was launched last.
    launch : bool
        Launch a server of ours again that has ended.
    sampling : mapping, optional
        What requests say besides, over `SAMPLING`.

    Raises
    ------
    AimError
        If the question itself is wrong; never for a row.
    """

    def __init__(
        self,
        given: Any,
        prompt: Prompt,
        *,
        into: str = "answer",
        schema: Any = None,
        route: Route = "chat",
        servers: str | Sequence[str] | None = None,
        launch: bool = False,
        images: Sequence[str] = (),
        sampling: Mapping[str, Any] | None = None,
        samples: int = 1,
        asks: int = 3,
    ) -> None:
        self.into = into
        self.table = tables.table(given)
        self.prompts = Prompts(prompt, self.table.columns, images)
        self.schema = Schema(schema)
        self.kinds = _columns(into, self.schema, route, samples)
        _check_names(self.kinds, self.table.columns)
        self.endpoints = endpoints.named(servers, launch=launch)
        self._launch = launch
        usual = {**SAMPLING, "temperature": 0.0 if samples == 1 else 1.0}
        said = (usual if route == "chat" else {}) | dict(sampling or {})
        question = Question(
            prompt=self.prompts.text,
            form=self.prompts.form,
            images=tuple(images),
            route=route,
            schema=self.schema.json,
            choices=self.schema.choices,
            sampling=said,
            samples=samples,
            asks=asks,
        )
        served = self.endpoints[0].served()
        names = tuple(endpoint.name for endpoint in self.endpoints)
        run = MapRun(id="", question=question, served=served, into=into, servers=names)
        self.folder: RunFolder = runs.folder_for(digest(question, served), run)
        self.question = question

    # -- doing it --------------------------------------------------------------------------------

    def do(self, show: Show | None = None, *, errors: bool = False, force: bool = False) -> MapRun:
        """Ask what was not asked yet, in this process, and return the run.

        Where another process works on the same run already, it is watched until it has ended.

        Parameters
        ----------
        errors : bool
            Ask those rows again that have failed.
        force : bool
            Go on although most of the first rows fail.

        Raises
        ------
        ServerGone, RowsFailed
            With what is kept.
        KeyboardInterrupt
            Everything that was answered is kept.
        """
        while True:
            with self.folder.held() as held:
                if held:
                    self.write_down(errors=errors)
                    return self._work(show, force=force)
            self._watch(show)

    def begin(self, *, errors: bool = False, force: bool = False) -> RunFolder:
        """Ask in a process of its own, which goes on when this one ends; return the run."""
        with self.folder.held() as held:
            if held:
                self.write_down(errors=errors)
        if held:
            more = (["--launch"] if self._launch else []) + (["--force"] if force else [])
            log = self.folder.path / "log"
            with log.open("wb") as output:
                code = subprocess.run(
                    [sys.executable, "-m", "aim_jupyter.work", self.folder.id, *more],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=spawn.environment(),
                    timeout=spawn.HANDOVER_S,
                    check=False,
                ).returncode
            if code:
                said = " ".join(files.tail(log, 2))
                raise StateUnusable(
                    f"Run {self.folder.id} did not begin: {said}", f"look into {log}"
                )
        return self.folder

    def write_down(self, *, errors: bool = False) -> None:
        """Write down all rows, and which of them are to be asked again."""
        self.folder.go()
        run = self.folder.read()
        names = tuple(endpoint.name for endpoint in self.endpoints)
        self.folder.write(msgspec.structs.replace(run, into=self.into, servers=names))
        with contextlib.closing(self.folder.store()) as store:
            store.put(self._items())
            if errors:
                store.forget_failed()

    def out(self) -> Any:
        """Return the table with the columns that there are so far."""
        served = self.folder.read().served
        record = {
            "run": self.folder.id,
            "record": served.record,
            "served": msgspec.to_builtins(served),
        }
        with contextlib.closing(self.folder.store()) as store:
            return self.table.joined(self.kinds, self._rows(store.results()), record)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the values of the columns of each row."""
        with contextlib.closing(self.folder.store()) as store:
            yield from self._rows(store.results())

    # -- parts -----------------------------------------------------------------------------------

    def _work(self, show: Show | None, *, force: bool) -> MapRun:
        running = Running(self.folder, self.endpoints, self.schema, show, force=force)
        return _in_thread(running)

    def _watch(self, show: Show | None) -> None:
        while self.folder.working:
            look = self.folder.look()
            if look is not None and show is not None:
                show(look)
            time.sleep(0.5)

    def _items(self) -> Iterator[Item]:
        count = self.question.samples
        for row in self.table.rows():
            try:
                asked = self._asked(row)
                seeds = [{}] if count == 1 else [{"seed": seed} for seed in range(count)]
                bodies = [msgspec.json.encode({**asked, **seed}) for seed in seeds]
            except (Unaskable, UnicodeError, TypeError) as error:
                problem = _problem(error)
                yield from [Item(key_of(b"!" + problem.encode()), b"", problem)] * count
            else:
                yield from (Item(key_of(body), body) for body in bodies)

    def _asked(self, row: dict[str, Any]) -> dict[str, Any]:
        messages = self.prompts.of(row)
        if self.question.route == "chat":
            return {"messages": messages}
        text = messages[0]["content"]
        if self.question.route == "embed":
            return {"input": text}
        return {"query": row["query"], "documents": [text]}

    def _rows(self, results: Iterable[Answer | None]) -> Iterator[tuple[Any, ...]]:
        count = self.question.samples
        if count == 1:
            for answer in results:
                yield _row(answer, self.schema, self.question.route)
            return
        waiting = []
        for answer in results:
            waiting.append(_row(answer, self.schema, self.question.route))
            if len(waiting) == count:
                yield _together(waiting)
                waiting = []


def _problem(error: Exception) -> str:
    """Return why a row can't be asked, as text that can itself be written."""
    if isinstance(error, UnicodeError):
        return "no text: a lone surrogate"
    said = str(error) if isinstance(error, Unaskable) else f"no JSON: {error}"
    return said.encode("utf-8", "replace").decode()


def _in_thread(running: Running) -> MapRun:
    """Work in a thread, so that this one can be interrupted and may have a loop of its own."""
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.append(running.work())
        except BaseException as error:  # noqa: BLE001 - handed on to the thread that waits
            outcome.append(error)

    thread = threading.Thread(target=work, name="aim-map", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.2)
    except KeyboardInterrupt:
        running.stop()
        thread.join()
        raise
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    run: MapRun = outcome[0]
    return run


def _columns(into: str, schema: Schema, route: Route, samples: int) -> dict[str, Kind]:
    """Return the columns that a map adds, in their order."""
    if route == "embed":
        fields: dict[str, Kind] = {"": "object"}
    elif route == "rerank":
        fields = {"": "number"}
    else:
        fields = schema.fields
    for name in fields:
        if name in FACTS:
            raise BadUsage(f"A field of the schema is called {name!r}.", "give it another name")
    answers: dict[str, Kind] = {
        f"{into}_{name}" if name else into: kind if samples == 1 else "object"
        for name, kind in fields.items()
    }
    return answers | {f"{into}_{name}": kind for name, kind in FACTS.items()}


def _check_names(kinds: Mapping[str, Kind], columns: Sequence[str]) -> None:
    taken = next((name for name in kinds if name in columns), None)
    if taken is not None:
        into = next(iter(kinds))
        raise BadUsage(f"The table has a column {taken!r}.", f'into="{into}_2"')


def _row(answer: Answer | None, schema: Schema, route: Route) -> tuple[Any, ...]:
    """Return what one answer puts into the columns."""
    width = len(schema.fields) if route == "chat" else 1
    nothing = (None,) * width
    if answer is None:
        return (*nothing, NOT_ASKED, None, None)
    if answer.cause:
        return (*nothing, answer.error, answer.tokens_in, answer.tokens_out)
    return (*_values(answer, schema, route), None, answer.tokens_in, answer.tokens_out)


def _values(answer: Answer, schema: Schema, route: Route) -> tuple[Any, ...]:
    if route == "embed":
        assert isinstance(answer.value, bytes)  # noqa: S101 - of an embedding
        numbers = array.array("f")
        numbers.frombytes(answer.value)
        return (numbers.tolist(),)
    assert isinstance(answer.value, str)  # noqa: S101 - of anything else
    return (float(answer.value),) if route == "rerank" else schema.values(answer.value)


def _together(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return one row of several samples: lists of values, the first error, all tokens."""
    *values, errors, tokens_in, tokens_out = zip(*rows, strict=True)

    def total(counts: tuple[int | None, ...]) -> int | None:
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    error = next((error for error in errors if error), None)
    return (*(list(each) for each in values), error, total(tokens_in), total(tokens_out))
