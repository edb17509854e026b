"""What an eviction would free, and has freed."""

import pytest

from aim_jupyter.core.records import Eviction
from aim_jupyter.render.eviction import eviction_card
from tests.render import disk


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        ((), "There is nothing on disk that could go."),
        (disk.KEPT, "Nothing goes: the table says for each what keeps it."),
        (disk.PLANNED, "The same line with --yes removes what would go."),
        (disk.EVICTED, " freed."),
    ],
)
def test_it_says_what_goes_and_how(planned: tuple[Eviction, ...], said: str) -> None:
    assert eviction_card(planned).text.rstrip().endswith(said)
