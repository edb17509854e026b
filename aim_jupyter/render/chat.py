"""The line below a reply: how much it was, and how fast it came."""

from __future__ import annotations

from aim_jupyter.render import html, words
from aim_jupyter.render.card import Card, card

# What the engine says when it stopped for another reason than having said all.
_CUT = {"length": "cut at the token limit"}


def reply_footer(
    tokens: int | None,
    ttft_s: float | None,
    gen_tok_s: float | None,
    finish_reason: str | None = None,
) -> Card:
    """Return the figures of one reply: tokens, time to the first of them, tokens per second."""
    parts = [
        words.UNKNOWN + " tokens" if tokens is None else words.plural(tokens, "token"),
        f"first after {words.UNKNOWN if ttft_s is None else words.milliseconds(ttft_s)}",
        words.number(gen_tok_s, "tok/s"),
        _CUT.get(finish_reason or "", ""),
    ]
    said = " · ".join(filter(None, parts))
    style = f"{html.UI_FONT};{html.SMALL};color:{html.SOFT};font-variant-numeric:tabular-nums"
    return card(html.tag("div", said, style=style), [said])
