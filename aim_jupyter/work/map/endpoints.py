"""Engines that rows are asked at: where each is, what it says, and whether it comes back."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from aim_jupyter.core import adapters, api, events, metrics, serving
from aim_jupyter.core.adapters import Metrics
from aim_jupyter.core.adapters.measures import Cache
from aim_jupyter.core.errors import BadUsage, ServerGone
from aim_jupyter.core.request import words
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.work.map.pace import Blocks, Load
from aim_jupyter.work.map.wire import BROKEN, Overdue, Place, Wire
from aim_jupyter.work.records import Served, digest

#: Seconds between two looks for an engine that is away, and that a stranger's is waited for.
LOOK_S, PATIENCE_S = 0.5, 600.0
#: How often in a row a server is launched again that does not come to answer.
LAUNCHES = 3
#: Counters of which one moves with each step of an engine, and that of what it had to put off.
_MOVING = {"prompt_tokens", "generation_tokens", "preempted", "finished"}
#: Options that no answer hangs on: of place, memory and number. Any other one may change answers.
INDIFFERENT = frozenset(
    {
        *("host", "port", "uds", "served-model-name", "middleware", "shutdown-timeout", "model"),
        *("max-num-seqs", "max-num-batched-tokens", "gpu-memory-utilization", "max-model-len"),
        *("enable-prefix-caching", "no-enable-prefix-caching", "scheduling-policy", "api-key"),
        *("kv-cache-memory-bytes", "mem-fraction-static", "context-length", "max-running-requests"),
        *("disable-access-log-for-endpoints", "load-format", "enforce-eager", "download-dir"),
    }
)


class Endpoint:
    """One engine.

    Parameters
    ----------
    name : str
        What people call it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.wire: Wire | None = None
        self._before: int | None = None

    def served(self) -> Served:
        """Return what answers there."""
        raise NotImplementedError

    def place(self) -> Place | None:
        """Return where it is now, None while it is nowhere; it raises if it will not come back.

        Raises
        ------
        ServerGone
        """
        raise NotImplementedError

    @property
    def gpus(self) -> int:
        """How many GPUs work for it."""
        return 0

    def power_w(self) -> float | None:
        """Return what its GPUs take now, in watts."""
        return None

    @property
    def dialect(self) -> Metrics:
        """What it calls its figures."""
        return adapters.get("vllm").metrics

    @property
    def behind(self) -> dict[str, Any]:
        """What a request says so that those of people go before it; nothing where it can't."""
        return {}

    async def connected(self) -> Wire:
        """Return a way to it, which is waited for while it is away.

        Raises
        ------
        ServerGone
            If it does not come back.
        """
        while self.wire is None:
            place = await asyncio.to_thread(self.place)
            if place is not None and await _answers(place):
                wire = Wire(place)
                load = await self._load(wire)
                self._before = load.came if load else None
                self.wire = wire
            else:
                await asyncio.sleep(LOOK_S)
        return self.wire

    async def lost(self, wire: Wire) -> None:
        """Take note that `wire` leads nowhere."""
        if self.wire is wire:
            self.wire = None
            await wire.close()

    async def leave(self) -> None:
        """Close the way to it."""
        if self.wire is not None:
            await self.lost(self.wire)

    async def load(self) -> Load | None:
        """Return what it does now, None where it does not say."""
        return None if self.wire is None else await self._load(self.wire)

    def strangers(self, load: Load | None) -> int:
        """Return how many requests of others have come since we did; perhaps some more have.

        What was sent may not have come yet: it is taken off all the same.
        """
        if load is None or load.came is None or self._before is None or self.wire is None:
            return 0
        return load.came - self._before - self.wire.asked

    async def _load(self, wire: Wire) -> Load | None:
        try:
            text = (await wire.send("GET", "/metrics")).body.decode()
            scrape = metrics.read(text, time.time(), self._looked_at)
        except (*BROKEN, Overdue):
            return None
        values = scrape.values
        if "running" not in values:
            return None
        return Load(
            running=int(values["running"]),
            waiting=int(values.get("waiting", 0)),
            kv_used=values.get("kv_used"),
            preempted=int(values.get("preempted", 0)),
            moved=values.get("generation_tokens", 0.0) + values.get("prompt_tokens", 0.0),
            came=int(sum(values[name] for name in ("running", "waiting", "finished")))
            if {"waiting", "finished"} <= values.keys()
            else None,
        )

    async def blocks(self) -> Blocks | None:
        """Return how its KV cache is divided, None where it does not say."""
        cache = self.dialect.cache
        if self.wire is None or cache is None:
            return None
        try:
            text = (await self.wire.send("GET", "/metrics")).body.decode()
            return _blocks(text, cache)
        except (*BROKEN, Overdue):
            return None

    @functools.cached_property
    def _looked_at(self) -> Metrics:
        """Its figures that a `Load` is made of: to read the others costs five times as much."""
        counters = {name: self.dialect.counter[name] for name in _MOVING & {*self.dialect.counter}}
        return replace(self.dialect, counter=counters, histogram={}, reason=None)


def _blocks(text: str, cache: Cache) -> Blocks | None:
    """Return how many blocks all engines of a server have, and the tokens of one."""
    lines = re.findall(rf"^{re.escape(cache.name)}\{{(.*)\}}", text, re.MULTILINE)
    labels = [dict(re.findall(r'(\w+)="([^"]*)"', line)) for line in lines]
    try:
        sizes = [(int(each[cache.blocks]), int(each[cache.block])) for each in labels]
    except (LookupError, ValueError):
        return None
    known = [size for size in sizes if min(size) > 0]
    return Blocks(sum(count for count, _ in known), known[0][1]) if known else None


async def _answers(place: Place) -> bool:
    wire = Wire(place)
    try:
        async with asyncio.timeout(10.0):
            return (await wire.send("GET", "/v1/models")).status == 200  # noqa: PLR2004
    except (*BROKEN, TimeoutError):
        return False
    finally:
        await wire.close()


class Managed(Endpoint):
    """A server of ours, followed wherever it goes.

    Parameters
    ----------
    folder : ServerFolder
    launch : bool
        Start it again from its plan where it has ended.
    """

    def __init__(self, folder: ServerFolder, *, launch: bool = False) -> None:
        super().__init__(folder.name)
        self._folder = folder
        self._launch = launch
        self._launches = LAUNCHES if launch else 0
        self._plan = serving.current(folder).plan

    def served(self) -> Served:
        """Return what its plan says."""
        plan = self._plan
        return Served(
            model=plan.model,
            revision=plan.revision or _revision(Path(plan.model_path)),
            engine=plan.engine,
            engine_version=plan.engine_version,
            platform=plan.platform,
            options={
                name: said for name, said in options(plan.argv).items() if name not in INDIFFERENT
            },
        )

    def place(self) -> Place | None:
        """Return where it is; one that has ended is launched again where that is wanted."""
        record = serving.reach(self._folder)
        if record.state == "running" and record.address is not None:
            at = record.address
            return Place(at.host, at.port, at.socket, self._folder.key())
        if record.live or record.state == "unknown":
            return None
        if not self._launches:
            why = record.reason or "it has ended"
            raise ServerGone(f"{self.name} is {record.state}: {why}.", self._line())
        self._launches -= 1
        events.report(f"{self.name} has ended and is launched again.")
        self._folder = serving.launch(record.plan)
        return None

    async def connected(self) -> Wire:
        """Return a way to it, as any other."""
        wire = await super().connected()
        self._launches = LAUNCHES if self._launch else 0
        return wire

    def _line(self) -> str:
        return words.again(self._plan)

    @property
    def gpus(self) -> int:
        """How many GPUs its plan holds."""
        return len(self._plan.gpus)

    @property
    def dialect(self) -> Metrics:
        """What its engine calls its figures."""
        return adapters.of(self._plan.engine).metrics

    @property
    def behind(self) -> dict[str, Any]:
        """A priority after that of requests that name none, where its engine goes by them."""
        by = options(self._plan.argv).get("scheduling-policy")
        return {"priority": 1} if by == "priority" else {}

    def power_w(self) -> float | None:
        """Return what its GPUs take now, in watts."""
        sample = serving.view(self._folder).sample if self._plan.gpus else None
        return sample.power_w if sample else None


class Foreign(Endpoint):
    """An OpenAI endpoint by its address; its key is ``OPENAI_API_KEY``."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        found = urlsplit(url)
        if found.scheme not in ("http", "https") or not found.hostname:
            raise BadUsage(f"{url!r} is no address of a server.", "http://HOST:PORT/v1")
        secure = found.scheme == "https"
        self._place = Place(
            host=found.hostname,
            port=found.port or (443 if secure else 80),
            key=os.environ.get("OPENAI_API_KEY", ""),
            secure=secure,
            prefix=found.path.rstrip("/").removesuffix("/v1"),
        )
        self._since: float | None = None

    def served(self) -> Served:
        """Return what it says that it serves."""

        async def ask() -> bytes:
            wire = Wire(self._place)
            try:
                return (await wire.send("GET", "/v1/models")).body
            finally:
                await wire.close()

        try:
            models = msgspec.json.decode(asyncio.run(ask()))["data"]
            return Served(model=models[0]["id"])
        except (*BROKEN, msgspec.DecodeError, LookupError, TypeError) as error:
            raise ServerGone(
                f"{self.name} names no model: {error}.", "look at its address"
            ) from error

    def place(self) -> Place | None:
        """Return where it is; it is waited for ten minutes."""
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since > PATIENCE_S:
            raise ServerGone(f"{self.name} does not answer.", "start it, and run the same again")
        return self._place

    async def connected(self) -> Wire:
        """Return a way to it, as any other."""
        wire = await super().connected()
        self._since = None
        return wire


def named(servers: str | Sequence[str] | None, *, launch: bool = False) -> list[Endpoint]:
    """Return the servers of these names or addresses; without one, that launched last.

    Raises
    ------
    ServerGone, UnknownName, BadUsage
        If there is none, or two of them serve different things.
    """
    wanted = [servers] if isinstance(servers, str) else list(servers or ())
    if not wanted:
        return [Managed(api.server(), launch=launch)]
    found: list[Endpoint] = [
        Foreign(name) if "://" in name else Managed(api.server(name), launch=launch)
        for name in wanted
    ]
    records = {endpoint.served().record for endpoint in found}
    if len(records) > 1:
        raise BadUsage(
            f"{', '.join(wanted)} serve different things: their answers are not the same.",
            "aim.compare puts the answers of several models side by side",
        )
    return found


def options(argv: Sequence[str]) -> dict[str, str]:
    """Return the options of a command line by name, empty where one has no value."""
    found: dict[str, str] = {}
    name = ""
    for word in argv:
        if word.startswith("--"):
            name, _, value = word.removeprefix("--").partition("=")
            found[name] = value
        elif name:
            found[name] = f"{found[name]} {word}".strip()
    return found


def _revision(folder: Path) -> str | None:
    """Return a name for what a folder holds now, None where it is no folder."""
    if not folder.is_dir():
        return None
    facts = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    return digest([(name, stat.st_size, stat.st_mtime_ns) for name, stat in facts])[:12]
