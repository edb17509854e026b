"""The card of `%aim drift`: how much of what was answered is answered again."""

from __future__ import annotations

from aim_jupyter.render import words
from aim_jupyter.render.card import Card
from aim_jupyter.render.nothing import nothing_card
from aim_jupyter.work.map.drift import Drift


def drift_card(found: Drift) -> Card:
    """Return the sum of what was compared, and what is not as it was."""
    same = sum(row.same for row in found.rows)
    of = words.plural(len(found.rows), "answer")
    share = words.UNKNOWN if found.agreement is None else f"{100 * found.agreement:.1f} %"
    said = f"{same} of {of} the same, {share} of their {found.unit}."
    changed = words.listing([f"`{name}`" for name in found.changed])
    now = f"What answers differs in {changed}." if changed else "The same settings answer."
    return nothing_card("drift", said, f"{found.run} asked again at {found.server}. {now}")
