"""Talking to a server: replies as they come, and what is left when one does not end."""

from __future__ import annotations

import itertools
import os
import signal
from types import SimpleNamespace
from typing import Any, Self

import httpx
import openai
import pytest

from aim_jupyter.core import serving
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.serving.state.process import members
from aim_jupyter.verbs.conversation import Conversation, Reply, _message
from aim_jupyter.verbs.server import Server
from tests.conftest import FakeEngine
from tests.waiting import launch_ready, until


def talk(**system: Any) -> Conversation:
    return Conversation(Server(launch_ready()), **system)


def test_a_reply_grows_until_it_is_done(fake: FakeEngine) -> None:
    fake(token_s=0.05)
    conversation = talk()
    replies = list(conversation.say("hello out there"))
    texts = [reply.text for reply in replies]
    assert texts[0] == "You"
    assert texts[-1] == "You said: hello out there"
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    last = replies[-1]
    assert [reply.done for reply in replies] == [False] * (len(replies) - 1) + [True]
    assert (last.tokens, last.prompt_tokens, last.finish_reason) == (5, 3, "stop")
    assert last.ttft_s is not None
    assert last.took_s is not None
    assert 0.04 < last.ttft_s < last.took_s
    assert last.gen_tok_s == pytest.approx(4 / (last.took_s - last.ttft_s))


def test_a_conversation_remembers_what_was_said(fake: FakeEngine) -> None:
    fake()
    conversation = talk(system="Be short")
    for text in ("one", "two"):
        list(conversation.say(text))
    assert [(each["role"], each["content"]) for each in conversation.messages] == [
        ("system", "Be short"),
        ("user", "one"),
        ("assistant", "You said: one"),
        ("user", "two"),
        ("assistant", "You said: two"),
    ]


def test_options_that_are_none_are_left_out(fake: FakeEngine) -> None:
    fake()
    assert list(talk().say("x", max_tokens=None, temperature=0.0))[-1].done


def test_an_interrupted_reply_leaves_the_conversation_as_it_was(fake: FakeEngine) -> None:
    fake(token_s=0.1)
    conversation = talk()
    reply = conversation.say("one two three four")
    assert next(reply).text == "You"
    with pytest.raises(KeyboardInterrupt):
        reply.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert conversation.messages == []
    assert list(conversation.say("again"))[-1].text == "You said: again"
    assert len(conversation.messages) == 2


def test_an_engine_that_dies_in_the_middle_is_told(fake: FakeEngine) -> None:
    fake(die_after=2, token_s=0.05)
    conversation = talk()
    heard: list[str] = []
    with pytest.raises(ServerGone, match="'demo' broke off: ") as caught:
        heard.extend(reply.text for reply in conversation.say("one two three"))
    assert heard[-1] == "You said:"
    assert conversation.messages == []
    assert caught.value.hint == "%aim status demo"


def test_a_server_that_has_ended_is_told_with_why(fake: FakeEngine) -> None:
    fake()
    conversation = talk()
    serving.stop(serving.find("demo"))
    with pytest.raises(ServerGone, match="'demo' is stopped: stopped by"):
        next(conversation.say("anybody?"))


def test_an_engine_that_hangs_up_is_told(fake: FakeEngine) -> None:
    fake()
    conversation = talk()
    list(conversation.say("warm the client up"))
    record = serving.find("demo").read()
    assert record.supervisor is not None
    assert record.engine is not None
    # Stopped, the supervisor can't write down yet what has happened.
    os.kill(record.supervisor.pid, signal.SIGSTOP)
    try:
        os.kill(record.engine.pid, signal.SIGKILL)
        until(lambda: members(record.engine) == [])  # type: ignore[arg-type]
        with pytest.raises(ServerGone, match="broke off"):
            list(conversation.say("still there?"))
    finally:
        os.kill(record.supervisor.pid, signal.SIGCONT)
    assert len(conversation.messages) == 2


def stood_in(*events: Any) -> Conversation:
    """Return a conversation with a client that gives `events`; an exception is raised there."""

    class Stream:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def __iter__(self) -> Any:
            for event in events:
                if isinstance(event, Exception):
                    raise event
                yield event

    client = SimpleNamespace(
        chat=SimpleNamespace(completions=SimpleNamespace(create=lambda **_: Stream()))
    )
    client.with_options = lambda **_: client
    return Conversation(SimpleNamespace(name="demo", client=client))  # type: ignore[arg-type]


def chunk(text: str, reason: str | None = None) -> SimpleNamespace:
    choice = SimpleNamespace(delta=SimpleNamespace(content=text), finish_reason=reason)
    return SimpleNamespace(usage=None, choices=[choice])


def test_a_stream_that_only_stops_is_no_whole_reply() -> None:
    conversation = stood_in(chunk("so far"))
    with pytest.raises(ServerGone, match="the reply has no end"):
        list(conversation.say("x"))
    assert conversation.messages == []


def test_a_reply_that_was_cut_says_so() -> None:
    assert list(stood_in(chunk("so far", "length")).say("x"))[-1].finish_reason == "length"


REQUEST = httpx.Request("POST", "http://127.0.0.1/v1")


def test_errors_of_the_http_library_are_expected_and_others_are_defects() -> None:
    # openai 2 lets them through once a stream has begun.
    with pytest.raises(ServerGone, match="peer closed"):
        list(stood_in(chunk("a"), httpx.RemoteProtocolError("peer closed")).say("x"))
    with pytest.raises(ZeroDivisionError):
        list(stood_in(chunk("a"), ZeroDivisionError()).say("x"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (openai.APIError("first\nsecond", REQUEST, body=None), "first"),  # type: ignore[arg-type]
        (openai.APIError("x", REQUEST, body={"message": "too long"}), "too long"),  # type: ignore[arg-type]
        (openai.APIError("", REQUEST, body=None), "APIError"),  # type: ignore[arg-type]
        (openai.APIError("\n", REQUEST, body={"message": ""}), "APIError"),  # type: ignore[arg-type]
    ],
)
def test_the_engines_words_are_one_line(error: openai.APIError, said: str) -> None:
    assert _message(error) == said


@pytest.mark.parametrize(
    "reply",
    [
        Reply(),
        Reply(tokens=1, ttft_s=0.1, took_s=0.1),
        Reply(tokens=5, ttft_s=0.1),
        Reply(tokens=5, ttft_s=0.1, took_s=0.1),
        Reply(tokens=0, ttft_s=None, took_s=1.0),
    ],
)
def test_a_speed_that_cannot_be_said_is_unknown(reply: Reply) -> None:
    assert reply.gen_tok_s is None
