"""The cell that asks a server its first question: one that its model can answer."""

from __future__ import annotations

import json
from collections.abc import Callable

from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.records.ability import Ability
from aim_jupyter.render import words


def client_code(record: ServerRecord) -> str:
    """Return the cell that asks a server its first question, by what it does.

    A record that does not say it is one of an earlier version, whose servers were asked to chat.
    """
    kind: Ability = next((each for each in _ASKED if each in record.does), "chat")
    model = json.dumps(record.plan.model)
    return "\n".join(
        [f"client = %aim client {words.argument(record.plan.server)}", *_ASKED[kind](model)]
    )


def _chat(model: str) -> list[str]:
    return [
        "reply = client.chat.completions.create(",
        f"    model={model},",
        '    messages=[{"role": "user",',
        '               "content": "Hello"}])',
        "reply.choices[0].message.content",
    ]


def _completion(model: str) -> list[str]:
    return [
        "reply = client.completions.create(",
        f"    model={model},",
        '    prompt="Once upon a time", max_tokens=40)',
        "reply.choices[0].text",
    ]


def _speech(model: str) -> list[str]:
    return [
        "reply = client.audio.transcriptions.create(",
        f"    model={model},",
        '    file=open("speech.wav", "rb"))',
        "reply.text",
    ]


def _embed(model: str) -> list[str]:
    return [
        "reply = client.embeddings.create(",
        f"    model={model},",
        '    input=["a lease ends", "a server stops"])',
        "[each.embedding for each in reply.data]",
    ]


def _rerank(model: str) -> list[str]:
    return [
        'client.post("/rerank", cast_to=object, body={',
        f'    "model": {model},',
        '    "query": "When does a lease end?",',
        '    "documents": ["With its server.", "Never."]})',
    ]


def _classify(model: str) -> list[str]:
    return [
        # vLLM has it beside the OpenAI routes, not below them.
        'client.post(str(client.base_url.join("/classify")),',
        "    cast_to=object,",
        f'    body={{"model": {model},',
        '          "input": ["What a fine day"]})',
    ]


#: The first of these that a model does is what it is asked.
_ASKED: dict[Ability, Callable[[str], list[str]]] = {
    "rerank": _rerank,
    "classify": _classify,
    "embed": _embed,
    "chat": _chat,
    "completion": _completion,
    "speech": _speech,
}
