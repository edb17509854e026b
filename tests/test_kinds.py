"""Models that do not chat, on the real vLLM: launched, on the card, asked by their client."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import aim_jupyter as aim
from aim_jupyter.core import api, engines, serving
from aim_jupyter.core.errors import CannotDo
from aim_jupyter.core.request import Request
from aim_jupyter.render import launch_card
from tests.waiting import launch_ready

DRIVER = Path(__file__).parent / "drivers" / "tiny_bert.py"
SAY = [{"role": "user", "content": "Hello"}]
#: One sentence of fifty says it, in other words.
NEEDLE = "The memory of the graphics card is given back when its process has ended."
HAY = [f"{who} {what}." for who in ("The cook", "A farmer", "My aunt", "The poet", "Our teacher",
       "The sailor", "A child") for what in ("bakes bread on Sundays", "sings in the garden",
       "walks to the sea", "reads by the window", "sells red apples", "likes old trains",
       "waits for spring")]  # fmt: skip

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return the folder with a model that ranks and one that classifies."""
    python = engines.choose(platform="cpu").python
    subprocess.run([python, str(DRIVER), str(tmp_path / "tiny")], check=True, capture_output=True)
    return tmp_path / "tiny"


@pytest.mark.usefixtures("real_engine")
def test_a_search_finds_the_sentence_and_nobody_is_offered_a_chat(tiny: Path) -> None:
    folder = launch_ready(Request(model="minilm"), limit_s=600)
    embeds = aim.attach(folder.name)
    assert embeds.does == ("embed",)
    assert set(folder.read().tasks) == {"embed", "token_embed"}
    assert "client.embeddings.create(" in launch_card(embeds.view).text
    texts = [*HAY[:20], NEEDLE, *HAY[20:]]
    assert len(texts) == 50
    reply = embeds.client.embeddings.create(
        model=embeds.model, input=["How do I free VRAM?", *texts]
    )
    asked, *vectors = (each.embedding for each in reply.data)
    # MiniLM's vectors have length 1.
    near = [sum(a * b for a, b in zip(asked, vector, strict=True)) for vector in vectors]
    assert texts[near.index(max(near))] == NEEDLE

    ranker = aim.attach(launch_ready(Request(model=str(tiny / "ranker"), name="ranker")).name)
    assert ranker.does == ("rerank", "classify")
    body = {
        "model": "default",
        "query": "when a lease ends",
        "documents": ["server stops", "a day"],
    }
    found = ranker.client.post("/rerank", cast_to=object, body=body)
    assert {each["index"] for each in found["results"]} == {0, 1}  # type: ignore[index]
    with pytest.raises(CannotDo, match="not chat; no running server can"):
        ranker.client.chat.completions.create(model="default", messages=SAY)  # type: ignore[arg-type]
    with pytest.raises(CannotDo, match=f"not embed; {embeds.name} can"):
        ranker.client.embeddings.create(model="default", input="a day")

    classes = aim.attach(launch_ready(Request(model=str(tiny / "classifier"), name="classes")).name)
    assert classes.does == ("classify",)
    place = str(classes.client.base_url.join("/classify"))
    said = classes.client.post(place, cast_to=object, body={"model": "default", "input": ["a day"]})
    assert len(said["data"][0]["probs"]) == 3  # type: ignore[index]
    for server in (embeds, ranker, classes):
        serving.stop(api.server(server.name))
