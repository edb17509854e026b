"""Whether a server still answers as it did: rows of a map, asked again, compared token by token."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import msgspec
from msgspec import Struct

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.work.aside import aside
from aim_jupyter.work.map import endpoints
from aim_jupyter.work.map.asking import Asker
from aim_jupyter.work.map.endpoints import Endpoint
from aim_jupyter.work.map.schemas import Schema
from aim_jupyter.work.map.store import Item
from aim_jupyter.work.map.wire import BROKEN
from aim_jupyter.work.records import Answer, MapRun, Served
from aim_jupyter.work.runs import RunFolder

_OK = 200


class Again(Struct, frozen=True, kw_only=True):
    """One row, asked again.

    Attributes
    ----------
    agree, tokens : int
        Tokens that are the same from the beginning on, and those of the longer answer.
    error : str
        Why there is no answer now; empty else.
    """

    row: int
    then: str
    now: str
    agree: int
    tokens: int
    error: str = ""

    @property
    def same(self) -> bool:
        """Whether it is the same answer."""
        return not self.error and self.then == self.now


class Drift(Struct, frozen=True, kw_only=True):
    """What became of the answers of a run.

    Attributes
    ----------
    unit : str
        What was compared: ``tokens`` as the engine cuts them, else ``words``.
    then, now : Served
        What answered.
    """

    run: str
    server: str
    rows: tuple[Again, ...]
    then: Served
    now: Served
    unit: str = "tokens"

    @property
    def changed(self) -> tuple[str, ...]:
        """What is not as it was of what answers."""
        names = Served.__struct_fields__
        return tuple(each for each in names if getattr(self.then, each) != getattr(self.now, each))

    @property
    def agreement(self) -> float | None:
        """The share of tokens that are the same from the beginning of their answer on."""
        tokens = sum(row.tokens for row in self.rows)
        return sum(row.agree for row in self.rows) / tokens if tokens else None


def drift(folder: RunFolder, server: str | None = None, *, count: int = 20) -> Drift:
    """Ask some rows of a map again, one by one, and compare the answers.

    Parameters
    ----------
    server : str, optional
        A name or address; else the one that was asked.
    count : int
        Rows at most.

    Raises
    ------
    BadUsage
        If its answers were drawn by lot, or are no text; or if none was answered.
    ServerGone
        If the server does not answer.
    """
    run = folder.read_as(MapRun)
    question = run.question
    if question.route != "chat":
        raise BadUsage(f"Run {run.id} has no replies to compare.", "%aim runs")
    if question.samples > 1 or question.sampling.get("temperature"):
        found = f"The answers of run {run.id} were drawn by lot: others are no drift."
        raise BadUsage(found, "%aim runs")
    with contextlib.closing(folder.store()) as store:
        known = store.answered(count)
    if not known:
        raise BadUsage(f"No row of run {run.id} was answered well.", f"%aim runs frame {run.id}")
    (endpoint,) = endpoints.named(server or run.servers[0])
    schema = Schema(list(question.choices) or question.schema)
    now = endpoint.served()
    asker = Asker(endpoint, question, schema, now.engine, now.model)
    unit, rows = aside(_asked(endpoint, asker, now.model, known))
    return Drift(
        run=run.id, server=endpoint.name, rows=tuple(rows), then=run.served, now=now, unit=unit
    )


async def _asked(
    endpoint: Endpoint, asker: Asker, model: str, known: Sequence[tuple[Item, Answer]]
) -> tuple[str, list[Again]]:
    found, unit = [], "tokens"
    try:
        for item, before in known:
            answer = await asker.ask(item)
            texts = [str(each.value or "") for each in (before, answer)]
            parts = [await _tokens(endpoint, model, text) for text in texts]
            if None in parts:
                unit, parts = "words", [re.findall(r"\s*\S+", text) for text in texts]
            then, now = (part or [] for part in parts)
            same = list(takewhile(lambda pair: pair[0] == pair[1], zip(then, now, strict=False)))
            found.append(
                Again(
                    row=item.first,
                    then=texts[0],
                    now=texts[1],
                    agree=0 if answer.cause else len(same),
                    tokens=max(len(then), len(now)),
                    error=answer.error,
                )
            )
    finally:
        await endpoint.leave()
    return unit, found


async def _tokens(endpoint: Endpoint, model: str, text: str) -> list[Any] | None:
    """Return a text as the engine cuts it, None where it does not say."""
    body = msgspec.json.encode({"model": model, "prompt": text, "add_special_tokens": False})
    try:
        reply = await (await endpoint.connected()).send("POST", "/tokenize", body)
        return list(msgspec.json.decode(reply.body)["tokens"]) if reply.status == _OK else None
    except (*BROKEN, msgspec.DecodeError, LookupError, TypeError):
        return None
