"""One row asked of one engine."""

from __future__ import annotations

import asyncio

import pytest

from aim_jupyter.work.map.asking import DEATHS, Asker, failed
from aim_jupyter.work.map.schemas import Schema
from aim_jupyter.work.map.wire import Reply
from aim_jupyter.work.records import Answer, Question
from tests.work.map.scripted import Scripted, chat, in_turn, item


def asked(endpoint: Scripted, schema: object = None, engine: str = "vllm", asks: int = 3) -> Answer:
    question = Question(prompt="{text}", sampling={"temperature": 0}, asks=asks)
    asker = Asker(endpoint, question, Schema(schema), engine, "demo")
    return asyncio.run(asker.ask(item("hello")))


def test_an_answer_comes_with_its_tokens_and_time() -> None:
    endpoint = Scripted(lambda text: chat(f"You said: {text}"))
    answer = asked(endpoint)
    assert (answer.value, answer.tokens_in, answer.tokens_out) == ("You said: hello", 10, 2)
    assert answer.ms is not None
    (sent,) = endpoint.asked
    assert (sent["path"], sent["model"]) == ("/v1/chat/completions", "demo")
    assert sent["temperature"] == 0


def test_what_is_not_valid_is_asked_again_with_what_was_wrong() -> None:
    endpoint = Scripted(in_turn([chat("maybe"), chat("yes")]))
    answer = asked(endpoint, ["yes", "no"])
    assert (answer.value, answer.asks, answer.tokens_in) == ("yes", 2, 20)
    turns = endpoint.asked[1]["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert "That answer is not valid" in turns[-1]["content"]


def test_what_stays_invalid_fails_with_its_text() -> None:
    answer = asked(Scripted(lambda _: chat("maybe")), ["yes", "no"], asks=2)
    assert (answer.cause, answer.value, answer.asks) == ("not valid", "maybe", 2)
    assert answer.error.startswith("not valid after 2 asks")


@pytest.mark.parametrize(
    ("reply", "cause", "said"),
    [
        (chat("abc", "length", 512), "length", "length: cut at 512 tokens"),
        (chat("", "content_filter"), "no text", "no text: it ended with content_filter"),
        (Reply(400, b'{"error": {"message": "odd"}}'), "refused", "refused (400): odd"),
        (Reply(413, b"\xff plain"), "refused", "refused (413): \ufffd plain"),
        (Reply(200, b"<html>"), "no answer", "no answer that can be read"),
        (Reply(200, b'{"choices": []}'), "no answer", "no answer that can be read"),
    ],
)
def test_each_failure_says_what_happened(reply: Reply, cause: str, said: str) -> None:
    answer = asked(Scripted(lambda _: reply))
    assert answer.cause == cause
    assert answer.error.startswith(said)


def test_a_row_that_is_too_long_says_by_how_much() -> None:
    said = "This model's maximum context length is 512 tokens. You requested 9000 input tokens."
    reply = Reply(400, f'{{"error": {{"message": "{said}"}}}}'.encode())
    answer = asked(Scripted(lambda _: reply))
    assert (answer.cause, answer.error) == ("too long", "too long: 9,000 tokens, room for 512")


def test_an_engine_that_ends_is_waited_for_and_one_that_ends_again_fails_the_row() -> None:
    endpoint = Scripted(in_turn([EOFError(), Reply(502, b""), chat("at last")]))
    assert asked(endpoint).value == "at last"
    assert endpoint.ends == 2
    endpoint = Scripted(lambda _: chat("half", None))
    assert asked(endpoint).cause == "engine gone"
    assert endpoint.ends == DEATHS


def test_a_row_that_can_not_be_asked_is_not() -> None:
    endpoint = Scripted(lambda _: chat("never"))
    asker = Asker(endpoint, Question(prompt="{text}"), Schema(), "vllm", "demo")
    answer = asyncio.run(asker.ask(item("x", problem="no image: there is no a.png")))
    assert (answer.cause, answer.error) == ("no image", "no image: there is no a.png")
    assert endpoint.asked == []


@pytest.mark.parametrize(
    ("schema", "engine", "word", "wanted"),
    [
        (["a", "b.c"], "vllm", "structured_outputs", {"choice": ["a", "b.c"]}),
        (["a", "b.c"], "sglang", "regex", r"(a|b\.c)"),
    ],
)
def test_each_engine_is_told_the_choices_in_its_own_words(
    schema: list[str], engine: str, word: str, wanted: object
) -> None:
    endpoint = Scripted(lambda _: chat("a"))
    asked(endpoint, schema, engine)
    assert endpoint.asked[0][word] == wanted


def test_an_error_is_one_short_line() -> None:
    answer = failed("odd", "a\n  b " + "x" * 100)
    assert answer.error.startswith("a b x")
    assert len(answer.error) == 50
    assert answer.error.endswith("…")
