"""The card below an empty table."""

from aim_jupyter.render.nothing import nothing_card


def test_it_says_why_and_what_would_fill_it() -> None:
    made = nothing_card("ps", "No server runs.", "`%aim launch` starts one.")
    assert made.text.splitlines()[-2:] == ["No server runs.", "%aim launch starts one."]
    assert "<script" not in nothing_card("ps", "<script>", "x").html
