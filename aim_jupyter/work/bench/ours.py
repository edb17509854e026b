"""Our own client for a bench, where an engine brings none: streams over the chat route."""

from __future__ import annotations

import asyncio
import random
import statistics
import string
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from aim_jupyter.work.aside import aside
from aim_jupyter.work.map.wire import Place
from aim_jupyter.work.records import Level, Quantiles, Workload

#: Seconds that one answer may take.
_PATIENCE_S = 6 * 3600.0
_LETTERS = 6
#: Words of the two prompts that tell how many tokens a word has, and what a chat adds.
_PROBES = (8, 72)


class Sent(Struct, frozen=True, kw_only=True):
    """One request: when it was sent, when each piece came, and the tokens that the engine counts.

    Attributes
    ----------
    at : float
        On the clock of `time.perf_counter`.
    pieces : tuple of float
        When each piece that is not empty came; of a failed request none.
    """

    at: float
    ended: float
    pieces: tuple[float, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    failed: bool = False

    @property
    def ttft_ms(self) -> float:
        """From the first word sent to the first piece."""
        return 1000 * (self.pieces[0] - self.at)

    @property
    def gaps_ms(self) -> list[float]:
        """Between two pieces."""
        return [1000 * (b - a) for a, b in zip(self.pieces, self.pieces[1:], strict=False)]

    def keeps(self, workload: Workload) -> bool:
        """Whether it keeps what is wanted: of the times between pieces the mean counts."""
        gaps = self.gaps_ms
        limits = (
            (workload.ttft_ms, self.ttft_ms),
            (workload.itl_ms, statistics.mean(gaps) if gaps else 0.0),
        )
        return all(limit is None or took <= limit for limit, took in limits)


class Ours:
    """Sends prompts of random words and counts what comes back.

    Parameters
    ----------
    place : Place
        Where the engine is.
    model : str
        The name that it serves.
    """

    name = "aim_jupyter"

    def __init__(self, place: Place, model: str, workload: Workload) -> None:
        self._place, self._model, self._workload = place, model, workload
        self._words: int | None = None

    def measure(self, at_once: int, requests: int, seed: int) -> Level:
        """Send so many requests, so many of them at once, and return what came of it."""
        words = random.Random(seed)  # noqa: S311 - of a benchmark
        began, sent = aside(self._measured(at_once, requests, words))
        return level(at_once, sent, max(one.ended for one in sent) - began, self._workload)

    def close(self) -> None:
        """Leave nothing: each level has connections of its own."""

    async def _measured(
        self, at_once: int, requests: int, words: random.Random
    ) -> tuple[float, list[Sent]]:
        async with self._client(at_once) as client:
            if self._words is None:
                self._words = await self._counted(client, words)
            bodies = iter([self._body(self._words, words) for _ in range(requests)])
            began = time.perf_counter()
            workers = [self._work(client, bodies) for _ in range(min(at_once, requests))]
            return began, [one for each in await asyncio.gather(*workers) for one in each]

    def _client(self, at_once: int) -> httpx.AsyncClient:
        at = self._place
        limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        root = f"{'https' if at.secure else 'http'}://{at.host}:{at.port}{at.prefix}"
        return httpx.AsyncClient(
            base_url="http://localhost" if at.socket else root,
            transport=httpx.AsyncHTTPTransport(uds=at.socket or None, limits=limits),
            headers={"Authorization": f"Bearer {at.key}"} if at.key else {},
            timeout=httpx.Timeout(_PATIENCE_S, connect=60.0),
        )

    async def _counted(self, client: httpx.AsyncClient, words: random.Random) -> int:
        """Return how many words make a prompt of as many tokens as are wanted."""
        few, many = _PROBES
        told = [await self._sent(client, self._body(count, words, out=1)) for count in _PROBES]
        each = (told[1].tokens_in - told[0].tokens_in) / (many - few)
        if each <= 0:
            return self._workload.tokens_in
        around = told[0].tokens_in - each * few
        return max(1, round((self._workload.tokens_in - around) / each))

    async def _work(self, client: httpx.AsyncClient, bodies: Iterator[bytes]) -> list[Sent]:
        """Send one request after the other, as long as there is one."""
        return [await self._sent(client, body) for body in bodies]

    async def _sent(self, client: httpx.AsyncClient, body: bytes) -> Sent:
        at = time.perf_counter()
        pieces: list[float] = []
        usage: dict[str, int] = {}
        try:
            async with client.stream("POST", "/v1/chat/completions", content=body) as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    said, counted = _read(line)
                    if said:
                        pieces.append(time.perf_counter())
                    usage = counted or usage
        except (httpx.HTTPError, ValueError):
            pieces = []
        return Sent(
            at=at,
            ended=time.perf_counter(),
            pieces=tuple(pieces),
            tokens_in=usage.get("prompt_tokens", 0),
            tokens_out=usage.get("completion_tokens", len(pieces)),
            failed=not pieces,
        )

    def _body(self, count: int, words: random.Random, out: int | None = None) -> bytes:
        text = " ".join(
            "".join(words.choices(string.ascii_lowercase, k=_LETTERS)) for _ in range(count)
        )
        return msgspec.json.encode(
            {
                "model": self._model,
                "messages": [{"role": "user", "content": text}],
                "max_tokens": out or self._workload.tokens_out,
                "temperature": 0.0,
                "ignore_eos": True,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        )


def _read(line: str) -> tuple[bool, dict[str, int]]:
    """Return whether an event holds text, and the usage that it tells."""
    if not line.startswith("data: {"):
        return False, {}
    event: dict[str, Any] = msgspec.json.decode(line.removeprefix("data: "))
    choices = event.get("choices") or [{}]
    delta = choices[0].get("delta") or {}
    text = delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning")
    return bool(text), event.get("usage") or {}


def level(at_once: int, sent: Sequence[Sent], took_s: float, workload: Workload) -> Level:
    """Return what requests amount to; those that failed count as such, and in nothing else."""
    well = [one for one in sent if not one.failed]
    return Level(
        at_once=at_once,
        requests=len(well),
        failed=len(sent) - len(well),
        took_s=took_s,
        tokens_in=sum(one.tokens_in for one in well),
        tokens_out=sum(one.tokens_out for one in well),
        ttft=quantiles([one.ttft_ms for one in well]),
        itl=quantiles([gap for one in well for gap in one.gaps_ms]),
        e2e=quantiles([1000 * (one.ended - one.at) for one in well]),
        good_s=sum(one.keeps(workload) for one in well) / took_s if workload.limited else None,
    )


def quantiles(values: Sequence[float]) -> Quantiles:
    """Return the quantiles of some times, read between two of them as numpy does."""
    if not values:
        return Quantiles()
    known = sorted(values)

    def at(share: float) -> float:
        place = share * (len(known) - 1)
        low = int(place)
        high = min(low + 1, len(known) - 1)
        return known[low] + (place - low) * (known[high] - known[low])

    return Quantiles(p50=at(0.5), p95=at(0.95), p99=at(0.99))
