"""An engine that answers as a test says, at the other side of no connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec

from aim_jupyter.work.map.endpoints import Endpoint
from aim_jupyter.work.map.store import Item, key_of
from aim_jupyter.work.map.wire import Reply, Wire


def chat(text: str | None, finish: str | None = "stop", out: int = 2) -> Reply:
    """Return an answer with its usage: ten tokens in."""
    choice = {"message": {"content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 10, "completion_tokens": out}
    return Reply(200, msgspec.json.encode({"choices": [choice], "usage": usage}))


def item(text: str, **facts: Any) -> Item:
    """Return a row as it is asked."""
    body = msgspec.json.encode({"messages": [{"role": "user", "content": text}]})
    return Item(key_of(body), body, **facts)


class Scripted(Endpoint):
    """Answers what is asked with what `answer` makes of the last message; an error is raised."""

    def __init__(self, answer: Callable[[str], Reply | Exception]) -> None:
        super().__init__("scripted")
        self._answer = answer
        self.asked: list[dict[str, Any]] = []
        self.ends = 0

    async def connected(self) -> Wire:
        self.wire = cast("Any", self)
        return cast("Any", self)  # type: ignore[no-any-return]

    async def lost(self, wire: Wire) -> None:
        self.wire, self.ends = None, self.ends + 1

    async def send(self, method: str, path: str, body: bytes = b"") -> Reply:
        """Answer as a `Wire` does."""
        if method == "GET":
            return Reply(404, b"")
        self.asked.append({"path": path, **msgspec.json.decode(body)})
        said = self._answer(str(self.asked[-1]["messages"][-1]["content"]))
        if isinstance(said, Exception):
            raise said
        return said

    def give_up(self, seconds: float) -> None:
        """Answer at once, so that nothing is ever too long."""


def in_turn(replies: Iterable[Reply | Exception]) -> Callable[[str], Reply | Exception]:
    """Return what answers with one after the other, whatever is asked."""
    left = iter(replies)
    return lambda _: next(left)
