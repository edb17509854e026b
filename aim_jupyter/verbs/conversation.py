"""A conversation with one server: what has been said, and replies as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from aim_jupyter.core.errors import ServerGone
from aim_jupyter.verbs.server import Server


class Reply(NamedTuple):
    """A reply as far as it has come.

    Attributes
    ----------
    text : str
    tokens : int or None
        Generated so far; exact once `done`.
    ttft_s, took_s : float or None
        Seconds to the first token and in all.
    finish_reason : str or None
        Why it ended; ``length`` means that it was cut.
    """

    text: str = ""
    tokens: int | None = None
    prompt_tokens: int | None = None
    ttft_s: float | None = None
    took_s: float | None = None
    finish_reason: str | None = None
    done: bool = False

    @property
    def gen_tok_s(self) -> float | None:
        """Tokens per second after the first one, None where that can't be said."""
        if not self.tokens or self.ttft_s is None or self.took_s is None:
            return None
        seconds = self.took_s - self.ttft_s
        return (self.tokens - 1) / seconds if seconds > 0 and self.tokens > 1 else None


class Conversation:
    """Messages that go back and forth with a server.

    Parameters
    ----------
    server : Server
    system : str or None
        What the model is told first.
    """

    def __init__(self, server: Server, system: str | None = None) -> None:
        self.server = server
        self.messages: list[dict[str, str]] = []
        if system:
            self.messages.append({"role": "system", "content": system})

    def say(self, text: str, **options: Any) -> Iterator[Reply]:
        """Say `text` and yield the reply as it grows, last when it is complete.

        An interrupted or failed reply leaves the conversation as it was.

        Parameters
        ----------
        options
            Further arguments of ``chat.completions.create``; those that are None are left out.

        Raises
        ------
        ServerGone
            If the server does not answer, or breaks off.
        """
        import openai  # noqa: PLC0415 - 0.4 s that only a chat may cost

        asked = [*self.messages, {"role": "user", "content": text}]
        given = {name: value for name, value in options.items() if value is not None}
        client = self.server.client.with_options(max_retries=0)
        reply = Reply()
        try:
            for reply in self._stream(client, asked, given):
                yield reply
        except openai.BadRequestError as error:
            raise ServerGone(
                f"Server {self.server.name!r} refused: {_message(error)}",
                "%aim chat --new --say Hello",
            ) from error
        except openai.APIError as error:
            raise self._broke_off(_message(error)) from error
        except Exception as error:
            # Before version 3, openai lets the errors of its HTTP library through in a stream.
            if not type(error).__module__.startswith(("httpx", "httpcore")):
                raise
            raise self._broke_off(str(error)) from error
        if reply.finish_reason is None:
            raise self._broke_off("the reply has no end.")
        self.messages = [*asked, {"role": "assistant", "content": reply.text}]

    def _broke_off(self, why: str) -> ServerGone:
        name = self.server.name
        return ServerGone(f"Server {name!r} broke off: {why}", f"%aim status {name}")

    def _stream(
        self, client: Any, asked: list[dict[str, str]], given: dict[str, Any]
    ) -> Iterator[Reply]:
        began = time.perf_counter()
        stream = client.chat.completions.create(
            model="default",
            messages=asked,
            stream=True,
            stream_options={"include_usage": True},
            **given,
        )
        reply = Reply(tokens=0)
        with stream:
            for chunk in stream:
                reply = _grown(reply, chunk, time.perf_counter() - began)
                yield reply
        yield reply._replace(done=True, took_s=time.perf_counter() - began)


def _grown(reply: Reply, chunk: Any, since: float) -> Reply:
    if chunk.usage is not None:
        reply = reply._replace(
            tokens=chunk.usage.completion_tokens, prompt_tokens=chunk.usage.prompt_tokens
        )
    for choice in chunk.choices:
        text = choice.delta.content or ""
        if text and reply.ttft_s is None:
            reply = reply._replace(ttft_s=since)
        reply = reply._replace(
            text=reply.text + text,
            took_s=since if text else reply.took_s,
            finish_reason=choice.finish_reason or reply.finish_reason,
        )
    return reply


def _message(error: Any) -> str:
    body = error.body if isinstance(getattr(error, "body", None), dict) else {}
    text = str(body.get("message") or error.message or error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
