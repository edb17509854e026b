"""The card of why an engine ended."""

from __future__ import annotations

from aim_jupyter.core.records.explained import Explanation
from aim_jupyter.render.explained import explained_card
from tests.render.pages import Page

FULL = Explanation(
    what="The GPU has too little free memory.",
    cause="Others hold 120 GiB of it.",
    line="ValueError: Free memory is less",
    line_number=1018,
    log_lines=2044,
    process="EngineCore",
    stage="load",
    attempt="%aim launch demo --util 0.4",
    because="40 % are free",
    ruled_out=("the model: it fits an empty GPU", "the driver"),
    evidence=("first", "ValueError: Free memory is less"),
    engine="vLLM 0.32.0",
    log="/x/engine.log",
    guess="perhaps <b>",
)


def test_all_that_is_known_stands_in_order() -> None:
    card = explained_card(FULL)
    names = [each.text for each in Page(card.html).named("th")]
    assert names == [
        "Cause", "Decisive line", "Led to it", "Ruled out", "Try", "A guess", "Log",
    ]  # fmt: skip
    assert "line 1,018 of 2,044 · EngineCore process · while in load" in card.text
    assert "perhaps <b>" in card.text
    assert "<b>" not in card.html


def test_a_guess_is_called_one() -> None:
    assert "a model's guess, of the redacted log: not the cause" in explained_card(FULL).text


def test_what_is_not_known_is_not_named() -> None:
    card = explained_card(Explanation(what="It ended; nothing says why.", log="/x/engine.log"))
    assert [each.text for each in Page(card.html).named("th")] == ["Log"]
    assert "None" not in card.text
