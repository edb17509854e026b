"""What every card is: the same facts as HTML for notebooks and as text for everything else."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from aim_jupyter.render import text as t


class Card(Struct, frozen=True):
    """A card, ready to show.

    Attributes
    ----------
    html : str
        For ``text/html``: safe, self-contained, no script.
    terminal : str
        The text with codes for bold, for a terminal that has them.
    """

    html: str
    terminal: str

    @property
    def text(self) -> str:
        """The same as plain text."""
        return t.plain(self.terminal)


def card(html: str, lines: Sequence[str]) -> Card:
    """Return the card of this HTML and these lines, without control codes from outside."""
    return Card(html=str(html), terminal=t.safe("\n".join(lines)))
