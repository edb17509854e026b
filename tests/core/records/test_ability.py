"""What was expected of a model, held against what its engine says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.records.ability import ABILITIES, Ability, confirmed, in_order

CHATS: tuple[Ability, ...] = ("chat", "completion", "tools", "json")


def test_an_engine_that_says_nothing_changes_nothing() -> None:
    assert confirmed(CHATS, ()) == CHATS


def test_what_the_engine_does_not_do_is_dropped_and_what_it_does_is_added() -> None:
    assert confirmed(CHATS, ("generate", "transcription")) == (*CHATS, "speech")
    assert confirmed(CHATS, ("embed", "token_embed")) == ("embed",)
    assert confirmed(("embed",), ("generate",)) == ("chat", "completion", "json")
    assert confirmed(("rerank", "classify"), ("classify", "token_classify")) == (
        *("rerank", "classify"),
    )
    assert confirmed(("classify",), ("classify",)) == ("classify",)
    assert confirmed(("speech",), ("transcription",)) == ("speech",)


@given(st.sets(st.sampled_from(ABILITIES)), st.lists(st.text(max_size=12)))
def test_words_of_any_engine_give_abilities_in_order(does: set[Ability], tasks: list[str]) -> None:
    found = confirmed(in_order(does), tasks)
    assert found == in_order(found)
