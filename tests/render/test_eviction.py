"""What an eviction would free, and has freed."""

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import Eviction
from aim_jupyter.render.eviction import eviction_card
from tests.render import disk
from tests.render.pages import Page


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


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (disk.PLANNED, "Nothing has been removed yet: 2 repositories would go, and free 146.7 GiB"),
        (disk.EVICTED, "1 repository evicted, 15.3 GiB freed."),
        (disk.KEPT, "Nothing goes: the table says for each what keeps it."),
        ((), "There is nothing on disk that could go."),
    ],
)
def test_an_eviction_says_whether_anything_has_gone(
    planned: tuple[Eviction, ...], said: str
) -> None:
    card = eviction_card(planned)
    assert said in card.text
    assert said in Page(card.html).text
    assert ("--yes" in card.text) == (planned is disk.PLANNED)


def test_it_says_what_it_costs_to_have_it_again() -> None:
    first, second, kept = disk.PLANNED
    made = eviction_card((replace(first, source="s3"), second, kept)).text
    assert "To have it again: 131.4 GiB from S3, 15.3 GiB from the Hub." in made
    assert "is lost then" not in made
    lost = eviction_card((replace(first, source="folder"), kept)).text
    assert "Nobody has noted where meta-llama/Llama-3.3-70B-Instruct came from" in lost
    assert "To have it again" not in lost
