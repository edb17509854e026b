"""The cell that a ready card shows: one that the model can answer, in every case Python."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records.ability import Ability
from aim_jupyter.render import launch_card
from aim_jupyter.render.example import client_code
from tests.render import samples
from tests.render.samples import changed


@pytest.mark.parametrize(
    ("does", "asked"),
    [
        (("chat", "completion", "tools", "json"), "client.chat.completions.create("),
        (("completion", "json"), "client.completions.create("),
        (("embed",), "client.embeddings.create("),
        (("rerank", "classify"), 'client.post("/rerank"'),
        (("classify",), "client.post("),
        (("speech",), "client.audio.transcriptions.create("),
        (("chat", "completion", "audio", "speech"), "client.chat.completions.create("),
        ((), "client.chat.completions.create("),
    ],
)
def test_the_example_is_one_that_the_model_answers(does: tuple[Ability, ...], asked: str) -> None:
    plan = replace(samples.QWEN_32B, does=does)
    view = changed(samples.READY, plan=plan)
    code = client_code(view.record)
    assert asked in code
    compile(code.replace("%aim client qwen3-32b", "None"), "cell", "exec")
    assert code.splitlines()[1] in launch_card(view).text


def test_the_card_says_what_agents_fail_without() -> None:
    plan = replace(samples.QWEN_32B, does=("chat", "completion", "json", "thinking"))
    said = launch_card(changed(samples.READY, plan=plan)).text
    assert "chat, completion" in said
    assert "tools no · JSON yes · thinking yes" in said
    embeds = replace(samples.QWEN_32B, does=("embed",))
    assert "JSON" not in launch_card(changed(samples.READY, plan=embeds)).text


def test_what_the_engine_says_counts_more_than_the_config() -> None:
    plan = replace(samples.QWEN_32B, does=("chat", "completion", "json"))
    view = changed(samples.READY, plan=plan, tasks=("embed",))
    assert "client.embeddings.create(" in client_code(view.record)
