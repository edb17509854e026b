"""What a request wants, and what is said to who asks the wrong server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core.api import asked
from aim_jupyter.core.errors import CannotDo
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.records.ability import Ability
from tests.conftest import FakeEngine
from tests.render.samples import DEMO
from tests.waiting import launch_ready

SEES: dict[str, Any] = {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}
TOOLS: dict[str, Any] = {"tools": [{"type": "function"}]}
ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("messages", "content", "type", "tools")), inner)
    ),
    max_leaves=9,
)


def record(*does: Ability) -> ServerRecord:
    return ServerRecord(name="minilm", plan=replace(DEMO, model="org/minilm", does=does))


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        ("/chat/completions", {}, [("chat",)]),
        ("v1/chat/completions", SEES, [("chat",), ("vision",)]),
        ("/chat/completions", TOOLS, [("chat",), ("tools",)]),
        # What is forced is held to a grammar, and needs nobody to find it.
        ("/chat/completions", {**TOOLS, "tool_choice": "required"}, [("chat",)]),
        ("/v1/rerank", {}, [("rerank", "embed")]),
        ("/audio/transcriptions", None, [("speech",)]),
        ("/models", {}, []),
        ("/chat/completions/../x", {}, []),
    ],
)
def test_a_request_wants_what_its_route_and_its_messages_say(
    path: str, body: object, wanted: list[tuple[str, ...]]
) -> None:
    assert list(asked.wanted(path, body)) == wanted


@given(ANYTHING)
def test_a_body_may_say_anything(body: object) -> None:
    assert asked.wanted("/chat/completions", body)[0] == ("chat",)


def test_what_it_does_is_let_through_and_of_what_is_not_known_nothing_is_refused() -> None:
    asked.refuse(record("embed"), "/embeddings")
    asked.refuse(record("embed"), "/rerank")
    asked.refuse(record(), "/chat/completions")
    asked.refuse(record("embed"), "/tokenize")


def test_where_nobody_can_the_smallest_that_could_be_launched_is_named() -> None:
    with pytest.raises(CannotDo) as caught:
        asked.refuse(record("embed"), "/chat/completions")
    assert caught.value.lines == [
        "CannotDo: minilm (org/minilm) does embed, not chat; no running server can.",
        "Try: %aim launch HuggingFaceTB/SmolLM2-135M-Instruct",
    ]
    with pytest.raises(CannotDo, match="not embed; no") as caught:
        asked.refuse(record("chat", "completion"), "/embeddings")
    assert caught.value.hint == "%aim launch sentence-transformers/all-MiniLM-L6-v2"


def test_a_running_server_that_can_is_named(fake: FakeEngine) -> None:
    fake()
    there = launch_ready()
    with pytest.raises(CannotDo) as caught:
        asked.refuse(record("embed"), "/chat/completions")
    assert caught.value.lines[0].endswith(f"not chat; {there.name} can.")
    assert caught.value.hint == f"client = %aim client {there.name}"
