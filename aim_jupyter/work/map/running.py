"""The work of a run: rows go out, answers come in and are on disk before they count."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from aim_jupyter.core.errors import RowsFailed, ServerGone
from aim_jupyter.work.map.asking import Asker
from aim_jupyter.work.map.endpoints import Endpoint
from aim_jupyter.work.map.forecast import Forecast
from aim_jupyter.work.map.pace import Blocks, Pace
from aim_jupyter.work.map.schemas import Schema
from aim_jupyter.work.map.store import FIRST, Item
from aim_jupyter.work.records import Answer, Look, LookState, MapRun
from aim_jupyter.work.runs import RunFolder

#: Seconds between two commits at most, two looks at an engine, and two states that are shown.
KEEP_S, LOAD_S, SHOW_S = 0.05, 0.25, 1.0
#: Rows that are shown as they came, letters of each, and states that a small curve is drawn from.
_LAST, _LETTERS, _HISTORY = 3, 44, 60


class Lane:
    """An engine, the number of requests that it gets, and those that it has."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker
        self.pace = Pace()
        self.blocks: Blocks | None = None
        self.tasks: set[asyncio.Task[None]] = set()


class Running:
    """One sitting of a run, in this process.

    Parameters
    ----------
    folder : RunFolder
        Which this process holds.
    endpoints : list of Endpoint
    schema : Schema
    show : callable, optional
        Is given a `Look` each second, from the thread that works.
    force : bool
        Go on although most of the first rows have failed.
    """

    def __init__(
        self,
        folder: RunFolder,
        endpoints: list[Endpoint],
        schema: Schema,
        show: Callable[[Look], None] | None = None,
        *,
        force: bool = False,
    ) -> None:
        self._folder, self._show, self._force = folder, show, force
        self._store = folder.store()
        self._run = folder.read_as(MapRun)
        question, served = self._run.question, self._run.served
        self._lanes = [
            Lane(Asker(endpoint, question, schema, served.engine, served.model))
            for endpoint in endpoints
        ]
        self._items: Iterator[Item] = iter(())
        self._ahead: Item | None = None
        self._returned: list[Item] = []
        self._first = Counter[str]()
        self._came: list[tuple[Item, Answer]] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._due = asyncio.Event()
        self._since: dict[bytes, float] = {}
        self._causes = Counter[str]()
        self._stopping = False
        self._began = time.monotonic()
        self._took_s = self._run.took_s
        self._measured_at = self._began
        self._forecast = Forecast()
        self._rates: deque[float] = deque(maxlen=_HISTORY)
        self._paces: deque[int] = deque(maxlen=_HISTORY)
        self._under_way = self._tellings = 0
        self._last: deque[tuple[Item, Answer]] = deque(maxlen=_LAST)

    def stop(self) -> None:
        """Ask nothing more and drop what is under way; its rows are asked again some time."""
        self._stopping = True

    def work(self) -> MapRun:
        """Ask all that was not asked yet; return the run as it is then.

        Raises
        ------
        ServerGone
            If the engines have ended and do not come back; what is done is kept.
        RowsFailed
            If most of the first rows have failed and more would be asked.
        """
        try:
            asyncio.run(self._work())
        finally:
            self._store.close()
        return self._run

    async def _work(self) -> None:
        self._begin()
        beside = [
            asyncio.create_task(each()) for each in (self._keep_on, self._look_on, self._measure_on)
        ]
        try:
            await self._ask_all(beside)
        except (ServerGone, RowsFailed) as error:
            self._run = replace(self._run, reason=error.found)
            raise
        finally:
            self._under_way = len(self._since)
            tasks = [*beside, *(task for lane in self._lanes for task in lane.tasks)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._keep()
            self._tell(ended=True)
            self._folder.write(self._run)
            for lane in self._lanes:
                await lane.asker.endpoint.leave()

    def _begin(self) -> None:
        counts = self._store.counts()
        self._causes.update(self._store.causes())
        self._run = replace(
            self._run,
            rows=counts.rows,
            done=counts.done,
            failed=counts.failed,
            tokens_in=counts.tokens_in,
            tokens_out=counts.tokens_out,
            started_at=time.time(),
            reason="",
        )
        if self._run.left:
            self._run = replace(self._run, sittings=self._run.sittings + 1)
        self._folder.write(self._run)
        self._items = self._store.pending()

    # -- rows out --------------------------------------------------------------------------------

    async def _ask_all(self, beside: list[asyncio.Task[None]]) -> None:
        while not self._stopping:
            for lane in self._lanes:
                while len(lane.tasks) < lane.pace.target and (item := self._next()) is not None:
                    lane.tasks.add(asyncio.create_task(self._ask(lane, item)))
            tasks = {task for lane in self._lanes for task in lane.tasks}
            if not tasks:
                return
            ended, _ = await asyncio.wait(
                {*tasks, *beside}, timeout=LOAD_S, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in ended:
                self._leave(task)

    def _leave(self, task: asyncio.Task[None]) -> None:
        """See to a task that has ended: its engine may be gone, and the others go on."""
        of = next((lane for lane in self._lanes if task in lane.tasks), None)
        if of is None:
            task.result()
            return
        of.tasks.discard(task)
        try:
            task.result()
        except ServerGone:
            of.pace.close()
            if all(lane.pace.target == 0 for lane in self._lanes):
                raise

    async def _ask(self, lane: Lane, item: Item | None) -> None:
        """Ask one row after the other, as long as so many at once are wanted."""
        loop = asyncio.get_running_loop()
        while item is not None:
            self._since[item.key] = time.monotonic()
            try:
                answer = await lane.asker.ask(item)
            except ServerGone:
                self._returned.append(item)
                raise
            finally:
                del self._since[item.key]
            kept = loop.create_future()
            self._waiting.append(kept)
            self._came.append((item, answer))
            if 2 * len(self._came) >= len(lane.tasks):
                # An engine must not idle for want of questions whose askers wait for the disk.
                self._due.set()
            # Till it is on the disk it is under way: a kill costs no more than what is.
            await kept
            if item.first < FIRST:
                self._judge_first(item, answer)
            item = self._next() if len(lane.tasks) <= lane.pace.target else None

    def _next(self) -> Item | None:
        """Return what is to be asked next, None where there is nothing or it has to wait."""
        if self._returned:
            return self._returned.pop()
        if self._ahead is None:
            self._ahead = next(self._items, None)
        item = self._ahead
        if item is None or self._stopping or (item.first >= FIRST and self._awaited):
            return None
        self._ahead = None
        if item.first < FIRST:
            self._first["out"] += 1
        return item

    @property
    def _awaited(self) -> bool:
        """Whether the first rows are awaited before any other goes out: not once most are well."""
        well = self._first["asked"] - self._first["failed"]
        return bool(self._first["out"]) and 2 * well <= FIRST and not self._force

    def _judge_first(self, item: Item, answer: Answer) -> None:
        self._first["out"] -= 1
        self._first["asked"] += not item.problem
        self._first["failed"] += bool(answer.cause) and not item.problem
        asked, failed = self._first["asked"], self._first["failed"]
        more = self._ahead is not None and self._ahead.first >= FIRST
        if self._first["out"] or not more or self._force or 2 * failed <= asked:
            return
        said = ", ".join(f"{cause} {count}" for cause, count in self._causes.most_common())
        raise RowsFailed(
            f"{failed} of the first {asked} rows failed: {said}. Nothing more was asked.",
            "%aim runs frame",
        )

    # -- answers in ------------------------------------------------------------------------------

    async def _keep_on(self) -> None:
        shown = 0.0
        while True:
            at_the_latest = asyncio.get_running_loop().call_later(KEEP_S, self._due.set)
            await self._due.wait()
            at_the_latest.cancel()
            self._keep()
            if time.monotonic() - shown >= SHOW_S:
                shown = time.monotonic()
                self._stopping = self._stopping or self._folder.asked_to_stop()
                self._tell()

    def _keep(self) -> None:
        """Write down what has come; only then does it count."""
        came, self._came = self._came, []
        self._due.clear()
        if not came:
            return
        self._store.keep((item.key, answer) for item, answer in came)
        waiting, self._waiting = self._waiting, []
        for kept in waiting:
            if not kept.done():
                kept.set_result(None)
        self._forecast.took([(answer.ms or 0.0) / 1000 for _, answer in came])
        failed = Counter[str]()
        for item, answer in came:
            if answer.cause:
                failed[answer.cause] += item.times
        rows = sum(item.times for item, _ in came)
        self._causes.update(failed)
        self._last.extend(came[-_LAST:])
        self._run = replace(
            self._run,
            done=self._run.done + rows - failed.total(),
            failed=self._run.failed + failed.total(),
            tokens_in=self._run.tokens_in
            + sum(item.times * (answer.tokens_in or 0) for item, answer in came),
            tokens_out=self._run.tokens_out
            + sum(item.times * (answer.tokens_out or 0) for item, answer in came),
        )

    async def _look_on(self) -> None:
        """Let each engine say how much it has to do, and ask as much of it as keeps it busy."""
        while True:
            await asyncio.sleep(LOAD_S)
            for lane in self._lanes:
                lane.asker.give_up()
                endpoint = lane.asker.endpoint
                if endpoint.wire is not None:
                    lane.blocks = lane.blocks or await endpoint.blocks()
                    load = await endpoint.load()
                    strangers = endpoint.strangers(load)
                    people = endpoint.wire.people if endpoint.wire else None
                    lane.pace.look(load, len(lane.tasks), self._room(lane), strangers, people)

    def _room(self, lane: Lane) -> int | None:
        """Return how many rows the engine's KV cache holds, as long as those so far."""
        if lane.blocks is None or not self._run.done:
            return None
        tokens = self._run.tokens_in + self._run.tokens_out
        return lane.blocks.room(tokens / (self._run.done + self._run.failed))

    async def _measure_on(self) -> None:
        """Add up what the GPUs have taken."""
        while True:
            await asyncio.sleep(5 * SHOW_S)
            powers = [
                await asyncio.to_thread(lane.asker.endpoint.power_w)
                for lane in self._lanes
                if lane.asker.endpoint.gpus
            ]
            known = [power for power in powers if power is not None]
            hours, self._measured_at = (
                (time.monotonic() - self._measured_at) / 3600,
                time.monotonic(),
            )
            if known:
                spent = (self._run.energy_wh or 0.0) + sum(known) * hours
                self._run = replace(self._run, energy_wh=spent)

    # -- what is shown ---------------------------------------------------------------------------

    def _tell(self, *, ended: bool = False) -> None:
        look = self._look(ended=ended)
        self._tellings += 1
        if ended or self._show is None or self._tellings % 2:
            # A file that is flushed costs as much as twenty rows; who sits before it needs none.
            self._folder.show(look)
        if self._show is not None:
            self._show(look)

    def _look(self, *, ended: bool) -> Look:
        since = time.monotonic() - self._began
        gpus = sum(lane.asker.endpoint.gpus for lane in self._lanes)
        before = (self._run.gpu_hours or 0.0) - gpus * (self._run.took_s - self._took_s) / 3600
        self._run = replace(
            self._run,
            took_s=self._took_s + since,
            gpu_hours=before + gpus * since / 3600 if gpus else self._run.gpu_hours,
        )
        run = self._run
        self._forecast.note(
            since,
            sum(lane.pace.target for lane in self._lanes),
            rows=run.done + run.failed,
            tokens_in=run.tokens_in,
            tokens_out=run.tokens_out,
        )
        rates = self._forecast.rates() or (None, None, None)
        self._rates.append(rates[0] or 0.0)
        at_once = self._under_way if ended else sum(len(lane.tasks) for lane in self._lanes)
        self._paces.append(at_once)
        paces = [lane.pace for lane in self._lanes]
        return Look(
            run=run,
            state=self._state(ended=ended),
            at=time.time(),
            since_s=since,
            at_once=at_once,
            most=sum(pace.most for pace in paces),
            why="; ".join(pace.why for pace in paces),
            rows_s=rates[0],
            tok_in_s=rates[1],
            tok_out_s=rates[2],
            eta_s=self._forecast.left(run.left, self._ages()),
            causes=dict(self._causes.most_common()),
            last=tuple(_shown(item, answer) for item, answer in self._last),
            history=tuple(self._rates),
            paces=tuple(self._paces),
        )

    def _ages(self) -> list[float]:
        """Return how long each row has been under way, in seconds."""
        now = time.monotonic()
        return [now - since for since in self._since.values()]

    def _state(self, *, ended: bool) -> LookState:
        if ended:
            return "stopped" if self._run.left else "done"
        if all(lane.asker.endpoint.wire is None for lane in self._lanes):
            return "waiting"
        return "first rows" if self._first["out"] else "running"


def _shown(item: Item, answer: Answer) -> tuple[int, str, str, float]:
    """Return a row as a line of a card."""
    text = ""
    with contextlib.suppress(msgspec.DecodeError, LookupError, TypeError):
        asked = msgspec.json.decode(item.body)
        text = str(asked["messages"][-1]["content"] if "messages" in asked else asked["input"])
    value = answer.value if isinstance(answer.value, str) and not answer.cause else answer.error
    return item.first, _cut(text), _cut(value), answer.ms or 0.0


def _cut(text: str) -> str:
    line = " ".join(text[: 4 * _LETTERS].split())
    return line if len(line) <= _LETTERS else line[: _LETTERS - 1] + "…"
