"""A bench from end to end: warmed up, level after level, each kept as soon as it is measured."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from aim_jupyter.core import adapters, api, events, metrics
from aim_jupyter.core.defaults import AT_ONCE, ROUNDS
from aim_jupyter.core.errors import AimError, BadUsage, BenchFailed
from aim_jupyter.core.metrics import Scrape
from aim_jupyter.core.records import Sample, ServerRecord
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.work import runs
from aim_jupyter.work.bench import search
from aim_jupyter.work.bench.ours import Ours
from aim_jupyter.work.bench.theirs import Theirs
from aim_jupyter.work.bench.workloads import lengths
from aim_jupyter.work.map.endpoints import Managed
from aim_jupyter.work.map.wire import Place
from aim_jupyter.work.records import BenchRun, Level, Workload, digest
from aim_jupyter.work.runs import RunFolder

#: Requests of a level at least.
LEAST = 8
#: Requests of the warm-up, and of them at once.
_WARM_UP, _WARM_AT_ONCE = 4, 2
#: What is told of the engine's side: as it counts over the level, and the most that was seen.
_COUNTED = ("gen_tok_s", "ttft_mean_ms", "itl_mean_ms", "e2e_mean_ms", "prefix_hit_pct")
_HIGHEST = ("kv_used_pct", "req_waiting")


class Client(Protocol):
    """What sends the requests of a level."""

    name: str

    def measure(self, at_once: int, requests: int, seed: int) -> Level:
        """Send so many requests, so many of them at once."""

    def close(self) -> None:
        """Leave."""


class Bench:
    """One bench of one server.

    Parameters
    ----------
    server : str, optional
        Its name, else the one launched last; it must run.
    tokens_in, tokens_out : int, optional
        Of each request; else as `like` says.
    like : str, optional
        See `workloads.lengths`.
    ttft_ms, itl_ms : float, optional
        What the 95th percentile must not exceed.
    at_once : sequence of int
        These levels alone; else they are searched for, up to `most`.
    rounds : int
        Requests of a level for each of those at once.

    Raises
    ------
    AimError
        If the server does not run, or can't take such requests.
    """

    def __init__(
        self,
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
    ) -> None:
        numbers = (tokens_in, tokens_out, ttft_ms, itl_ms, most, rounds, *at_once)
        if any(number is not None and number <= 0 for number in numbers):
            raise BadUsage("A bench is told numbers above 0.", "%aim help bench")
        self.server = api.server(server)
        self._record = _running(self.server)
        usual_in, usual_out, of = lengths(like, self.server)
        said = f"{of}, changed" if (tokens_in or tokens_out) and like else of
        workload = Workload(
            tokens_in=tokens_in or usual_in,
            tokens_out=tokens_out or usual_out,
            of="as asked" if tokens_in and tokens_out else said,
            ttft_ms=ttft_ms,
            itl_ms=itl_ms,
        )
        _check_room(self._record, workload)
        theirs = Theirs.serves(self._record)
        self._workload = replace(workload, client=(Theirs if theirs else Ours).name)
        self._at_once, self._most, self._rounds = tuple(at_once), most, rounds
        self.folder = self._kept()

    def do(self) -> RunFolder:
        """Measure level after level, and return the run.

        Raises
        ------
        BenchFailed
            If nothing was answered.
        KeyboardInterrupt
            The levels that are measured are kept: the same bench goes on with them.
        """
        with self.folder.held() as held:
            if not held:
                raise BadUsage(f"Run {self.folder.id} is running.", "%aim runs")
            self.folder.go()
            client = self._client()
            try:
                self._measure(client)
            finally:
                client.close()
        return self.folder

    # -- parts -----------------------------------------------------------------------------------

    def _kept(self) -> RunFolder:
        """Return the folder of the same bench that was broken off, else of a new one."""
        served = Managed(self.server).served()
        for folder in runs.folders():
            run = folder.latest()
            same = isinstance(run, BenchRun) and replace(run.workload, at=0.0) == self._workload
            if same and run.served == served and folder.state(run) == "stopped":
                return folder
        workload = replace(self._workload, at=time.time())
        run = BenchRun(
            id="",
            served=served,
            servers=(self.server.name,),
            workload=workload,
            gpus=len(self._record.plan.gpus),
            rows=1,
        )
        return runs.folder_for(digest(workload, served), run)

    def _client(self) -> Client:
        record, key = self._record, self.server.key()
        if Theirs.serves(record):
            return Theirs(record, key, self._workload)
        at = record.address
        assert at is not None  # noqa: S101 - it runs
        return Ours(Place(at.host, at.port, at.socket, key), record.plan.model, self._workload)

    def _measure(self, client: Client) -> None:
        run = self.folder.read_as(BenchRun)
        run = replace(run, started_at=time.time(), sittings=run.sittings + 1, reason="")
        events.report(f"Bench {run.id}: {client.name} warms up.")
        client.measure(_WARM_AT_ONCE, _WARM_UP, secrets.randbits(31))
        while (at_once := self._following(run)) is not None:
            began = time.monotonic()
            level = self._level(client, at_once)
            run = _added(run, level, time.monotonic() - began)
            ended = self._following(run) is None
            self.folder.write(replace(run, rows=run.done + run.failed + (not ended)))
            events.report(told(level))
            if not level.requests:
                found = f"Nothing was answered at {at_once} at once."
                raise BenchFailed(found, f"%aim logs {self.server.name}")
            if self.folder.asked_to_stop():
                break

    def _following(self, run: BenchRun) -> int | None:
        if self._at_once:
            known = {level.at_once for level in run.levels}
            return next((each for each in self._at_once if each not in known), None)
        return search.following(run.levels, run.workload, self._most)

    def _level(self, client: Client, at_once: int) -> Level:
        before = self._scrape()
        requests = max(self._rounds * at_once, LEAST)
        level = client.measure(at_once, requests, secrets.randbits(31))
        return replace(level, engine=self._engine(before, self._scrape(), level.requests))

    def _scrape(self) -> Scrape | None:
        """Return what the engine says now, None where it does not."""
        engine = self._record.plan.engine
        try:
            text = api.exposition(self.server.name)
            return metrics.read(text, time.time(), adapters.of(engine).metrics) if text else None
        except (AimError, ValueError):
            return None

    def _engine(self, before: Scrape | None, after: Scrape | None, own: int) -> dict[str, float]:
        """Return the engine's side of a level in which so many requests were our own."""
        if before is None or after is None:
            return {}
        sample = metrics.between(before, after)
        found: dict[str, float | None] = {name: getattr(sample, name) for name in _COUNTED}
        found |= _highest(self._seen(before.at), _HIGHEST)
        for name, counter in (("preempted", "preempted"), ("others", "finished")):
            if counter in after.values:
                found[name] = after.values[counter] - before.values.get(counter, 0.0)
        if (ended := found.get("others")) is not None:
            found["others"] = max(0.0, ended - own)
        return {name: value for name, value in found.items() if value is not None}

    def _seen(self, since: float) -> list[Sample]:
        """Return what the supervisor has sampled since then."""
        past = metrics.samples(self.server.path, since)
        return [sample for sample in past if sample.at >= since]


def _running(folder: ServerFolder) -> ServerRecord:
    record = api.reachable(folder)
    if record.state != "running":
        raise BadUsage(f"{folder.name} is {record.state}.", f"%aim wait {folder.name}")
    return record


def _check_room(record: ServerRecord, workload: Workload) -> None:
    longest = record.facts.get("context_tokens")
    needed = workload.tokens_in + workload.tokens_out
    if longest and needed > longest:
        third = int(longest // 3)
        raise BadUsage(
            f"{record.name} takes {longest:,.0f} tokens in and out, not {needed:,}.",
            f"%aim bench {record.name} --tokens-in {third} --tokens-out {third}",
        )


def _highest(seen: Sequence[Sample], names: Sequence[str]) -> dict[str, float | None]:
    """Return the most that was seen of some figures, and the mean power."""

    def known(name: str) -> list[float]:
        return [value for one in seen if (value := getattr(one, name)) is not None]

    power = known("power_w")
    most: dict[str, float | None] = {name: max(known(name), default=None) for name in names}
    return most | {"power_w": sum(power) / len(power) if power else None}


def _added(run: BenchRun, level: Level, took_s: float) -> BenchRun:
    levels = tuple(sorted((*run.levels, level), key=lambda one: one.at_once))
    best = search.best(levels, run.workload)
    hours, power = took_s / 3600, level.engine.get("power_w")
    return replace(
        run,
        levels=levels,
        best=best.at_once if best else None,
        done=run.done + bool(level.requests),
        failed=run.failed + (not level.requests),
        tokens_in=run.tokens_in + level.tokens_in,
        tokens_out=run.tokens_out + level.tokens_out,
        took_s=run.took_s + took_s,
        gpu_hours=(run.gpu_hours or 0.0) + run.gpus * hours if run.gpus else None,
        energy_wh=run.energy_wh if power is None else (run.energy_wh or 0.0) + power * hours,
    )


def told(level: Level) -> str:
    """Return a level in a line."""
    ttft = level.ttft.p95
    parts: list[Any] = [
        f"{level.at_once} at once: {level.gen_tok_s:,.1f} tok/s",
        f"first token p95 {ttft:,.0f} ms" if ttft is not None else "",
        f"{level.failed} failed" if level.failed else "",
    ]
    return ", ".join(filter(None, parts))
