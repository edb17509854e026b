"""One card, for notebooks and for terminals."""

from aim_jupyter.render.card import card


def test_codes_from_outside_reach_no_terminal() -> None:
    made = card("<p>", ["a\x1b[2Jb", "\u202ec"])
    assert made.html == "<p>"
    assert made.text == "ab\nc"
    assert "\x1b[2J" not in made.terminal
