"""One row asked of one engine: sent, judged, asked again where its answer is not valid."""

from __future__ import annotations

import array
import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Struct

from aim_jupyter.work.map.endpoints import Endpoint
from aim_jupyter.work.map.schemas import Invalid, Schema
from aim_jupyter.work.map.store import Item
from aim_jupyter.work.map.wire import BROKEN, Overdue, Reply, Wire
from aim_jupyter.work.records import Answer, Question

#: Letters of an error at most.
SAID = 50
#: Seconds in which an answer has come, or an engine that was too busy takes the question.
DEADLINE_S = 600.0
#: How often an engine may end while a row is asked before the row is taken to be the cause, and
#: after how many times it is asked with no other that was.
DEATHS, SUSPECT = 4, 2
_OK, _BUSY = 200, (429, 503)
_GONE = (500, 502, 504)
_LENGTHS = re.compile(
    r"context length is (\d+).*?(\d+) (?:input|in the messages|tokens)", re.DOTALL
)


class _Message(Struct, frozen=True):
    content: str | None = None


class _Choice(Struct, frozen=True):
    message: _Message = _Message()
    finish_reason: str | None = None


class _Usage(Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chat(Struct, frozen=True):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Vector(Struct, frozen=True):
    embedding: list[float]


class _Vectors(Struct, frozen=True):
    data: list[_Vector]
    usage: _Usage | None = None


class _Rank(Struct, frozen=True):
    relevance_score: float


class _Ranks(Struct, frozen=True):
    results: list[_Rank]
    usage: _Usage | None = None


_PATHS = {
    "chat": "/v1/chat/completions",
    "embed": "/v1/embeddings",
    "rerank": "/v1/rerank",
}
_chat = msgspec.json.Decoder(_Chat)
_vectors = msgspec.json.Decoder(_Vectors)
_ranks = msgspec.json.Decoder(_Ranks)


class _CutOff(Exception):
    """An answer that the engine broke off, as one that ends does with 200: no answer."""


class Asker:
    """Asks rows of one engine.

    Parameters
    ----------
    endpoint : Endpoint
    question : Question
    schema : Schema
    engine : str
        Its kind: engines ask for one of some choices in words of their own.
    """

    def __init__(
        self, endpoint: Endpoint, question: Question, schema: Schema, engine: str, model: str
    ) -> None:
        self.endpoint = endpoint
        self._question = question
        self._schema = schema
        behind = endpoint.behind if question.route == "chat" else {}
        more = {"model": model, **behind, **question.sampling, **_constraint(schema, engine)}
        #: A request but for what is the row's own, which is JSON of the same object.
        self._more = msgspec.json.encode(more)[:-1] + b","
        self._path = _PATHS[question.route]
        self._finding = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._trial, self._again = False, 0

    async def ask(self, item: Item) -> Answer:
        """Return what became of one row; whatever the engine does, it comes back with an answer.

        An engine that ends takes what it was asked with it: each such row is asked again when it is
        back. One that it ended over again and again is asked with no other such row, then no more.

        Raises
        ------
        ServerGone
            If the engine does not come back.
        """
        if item.problem:
            return failed(item.problem.partition(":")[0], item.problem)
        answer = await self._asked(item)
        for deaths in range(1, DEATHS):
            if answer is not None:
                return answer
            async with self._apart(trial=deaths >= SUSPECT):
                answer = await self._asked(item)
        return answer or failed("engine gone", f"the engine ended {DEATHS} times over it")

    @contextlib.asynccontextmanager
    async def _apart(self, *, trial: bool) -> AsyncIterator[None]:
        """Keep apart what an engine has ended over: a row on trial is asked with no other such.

        After a first end all that was under way is asked again together, else a single end would
        cost as many answers one by one.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: not (self._trial or (trial and self._again)))
            self._trial, self._again = trial, self._again + 1
        try:
            yield
        finally:
            async with self._changed:
                self._trial, self._again = False, self._again - 1
                self._changed.notify_all()

    async def _asked(self, item: Item) -> Answer | None:
        """Return an answer, None if the engine went away over it."""
        wire = await self._wire()
        began = time.perf_counter()
        try:
            answer = await self._judged(item)
        except Overdue:
            return failed("no answer", f"no answer in {DEADLINE_S:.0f} s")
        except (*BROKEN, _CutOff):
            await self.endpoint.lost(wire)
            return None
        return msgspec.structs.replace(answer, ms=1000 * (time.perf_counter() - began))

    def give_up(self) -> None:
        """Wait no longer for what has taken too long."""
        if self.endpoint.wire is not None:
            self.endpoint.wire.give_up(DEADLINE_S)

    async def _wire(self) -> Wire:
        """Return the way to the engine; where it is away, one looks for it and all others wait."""
        if self.endpoint.wire is not None:
            return self.endpoint.wire
        async with self._finding:
            return await self.endpoint.connected()

    async def _judged(self, item: Item) -> Answer:
        body = item.body
        answer = await self._answered(body)
        if self._question.route != "chat":
            return answer
        asked = 1
        while not answer.cause:
            assert isinstance(answer.value, str)  # noqa: S101 - of a chat
            try:
                self._schema.values(answer.value)
            except Invalid as error:
                if asked >= self._question.asks:
                    said = f"not valid after {asked} asks: {error}"
                    return _as(answer, "not valid", said, asked)
                body = _again(body, answer.value, str(error))
                answer = _summed(answer, await self._answered(body))
                asked += 1
            else:
                return answer if asked == 1 else msgspec.structs.replace(answer, asks=asked)
        return msgspec.structs.replace(answer, asks=asked)

    async def _answered(self, body: bytes) -> Answer:
        """Return one answer of the engine; where it is too busy to take it, after a while."""
        sent = self._more + body[1:]
        for _ in range(round(DEADLINE_S)):
            reply = await (await self._wire()).send("POST", self._path, sent)
            if reply.status not in _BUSY:
                return self._read(reply)
            await asyncio.sleep(1.0)
        raise Overdue

    def _read(self, reply: Reply) -> Answer:
        if reply.status in _GONE:
            raise _CutOff
        if reply.status != _OK:
            return _refused(reply)
        try:
            if self._question.route == "chat":
                return _said(_chat.decode(reply.body))
            if self._question.route == "embed":
                vectors = _vectors.decode(reply.body)
                numbers = array.array("f", vectors.data[0].embedding).tobytes()
                return _with(vectors.usage, value=numbers)
            ranks = _ranks.decode(reply.body)
            return _with(ranks.usage, value=repr(ranks.results[0].relevance_score))
        except (msgspec.DecodeError, LookupError, UnicodeError) as error:
            return failed("no answer", f"no answer that can be read: {error}")


def failed(cause: str, said: str, **facts: Any) -> Answer:
    """Return the answer of a row that failed."""
    line = " ".join(said.split())
    return Answer(cause=cause, error=line if len(line) <= SAID else line[: SAID - 1] + "…", **facts)


def _as(answer: Answer, cause: str, said: str, asked: int) -> Answer:
    """Return an answer as a failed one, with its text kept."""
    facts = {"value": answer.value, "tokens_in": answer.tokens_in, "asks": asked}
    return failed(cause, said, tokens_out=answer.tokens_out, **facts)


def _with(usage: _Usage | None, **facts: Any) -> Answer:
    found = usage or _Usage()
    return Answer(tokens_in=found.prompt_tokens, tokens_out=found.completion_tokens, **facts)


def _said(chat: _Chat) -> Answer:
    """Return a chat's answer: one that has not ended by itself is none."""
    choice = chat.choices[0]
    answer = _with(chat.usage, value=choice.message.content or "")
    if choice.finish_reason == "stop":
        return answer
    if choice.finish_reason == "length":
        return _as(answer, "length", f"length: cut at {answer.tokens_out} tokens", 1)
    if choice.finish_reason in ("abort", None):
        raise _CutOff
    return _as(answer, "no text", f"no text: it ended with {choice.finish_reason}", 1)


def _refused(reply: Reply) -> Answer:
    """Return why an engine does not take a row."""
    text = reply.body.decode("utf-8", "replace")
    try:
        found = msgspec.json.decode(reply.body)
        error = found.get("error", found)
        text = str(error.get("message") if isinstance(error, dict) else error)
    except (msgspec.DecodeError, UnicodeError, AttributeError):
        pass
    if "context length" in text or "maximum model length" in text or "longer than" in text:
        lengths = _LENGTHS.search(text)
        told = f": {int(lengths[2]):,} tokens, room for {int(lengths[1]):,}" if lengths else ""
        return failed("too long", f"too long{told}", value=text)
    return failed("refused", f"refused ({reply.status}): {text}", value=text)


def _summed(first: Answer, second: Answer) -> Answer:
    def total(one: int | None, other: int | None) -> int | None:
        return None if one is None or other is None else one + other

    return msgspec.structs.replace(
        second,
        tokens_in=total(first.tokens_in, second.tokens_in),
        tokens_out=total(first.tokens_out, second.tokens_out),
    )


def _again(body: bytes, said: str, wrong: str) -> bytes:
    """Return the conversation that goes on with what was wrong."""
    turn = f"That answer is not valid: {wrong}. Give the answer again, and nothing else."
    asked = msgspec.json.decode(body)
    asked["messages"] += [
        {"role": "assistant", "content": said},
        {"role": "user", "content": turn},
    ]
    return msgspec.json.encode(asked)


def _constraint(schema: Schema, engine: str) -> dict[str, Any]:
    """Return how a request says what its answer has to be."""
    if schema.choices and engine == "sglang":
        return {"regex": "(" + "|".join(map(re.escape, schema.choices)) + ")"}
    if schema.choices:
        return {"structured_outputs": {"choice": list(schema.choices)}}
    if schema.json is None:
        return {}
    named = {"name": "answer", "schema": schema.json, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}
