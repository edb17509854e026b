"""The cards of a record and of a replay."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter import render
from aim_jupyter.core.records.provenance import Difference, Provenance
from aim_jupyter.render import provenance
from tests.core.provenance.test_comparing import ONE

KEPT = Provenance(
    id=ONE.id,
    served=replace(
        ONE,
        revision="0123456789abcdef",
        recipe="mi300x-bf16-tp2",
        files={f"{name}.json": "git:" + "a" * 40 for name in "abcdefg"},
    ),
    asked=("org/name", "--users", "4"),
)


def test_a_paper_can_say_what_served() -> None:
    said = provenance.sentence(KEPT)
    assert said == (
        "org/name (revision 0123456789ab) was served by vLLM 0.32.0 on 2 x MI300X gfx942 with "
        f"aim_jupyter 0.1.0, recipe mi300x-bf16-tp2 (record {KEPT.id})."
    )


def test_a_record_shows_files_options_and_how_to_ask_for_it() -> None:
    card = render.record_card(KEPT)
    for words in ("torch 2.13.0", "max-model-len 1024", "and 3 more files", "--users 4", KEPT.id):
        assert words in card.text, words
    assert KEPT.id in card.html


def test_only_nothing_has_a_card_in_a_replay() -> None:
    assert render.differences_card([Difference(what="a", then="b", now="c")]) is None
    card = render.differences_card([])
    assert card is not None
    assert "Nothing differs" in card.text
