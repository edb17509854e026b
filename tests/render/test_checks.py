"""What the doctor found, and what mends it."""

from aim_jupyter.core.records import Check
from aim_jupyter.render.checks import checks_card
from tests.render import lists
from tests.render.pages import Page


def test_what_is_good_needs_no_mending() -> None:
    made = checks_card(
        [
            Check(name="kfd", good=False, found="`/dev/kfd` is closed.", fix="%aim engine install"),
            Check(name="driver", good=True, found="amdgpu lists 8 GPUs.", fix="never shown"),
        ]
    )
    assert "1 good · 1 to mend" in made.text
    assert "to mend  /dev/kfd is closed." in made.text
    assert "%aim engine install" in made.text
    assert "never shown" not in made.text + made.html
    assert "0 good · 0 to mend" in checks_card([]).text


def test_doctor_says_what_mends_it() -> None:
    card = checks_card(lists.CHECKS)
    for said in (card.text, Page(card.html).text):
        assert "2 good · 2 to mend" in said
        assert "sudo usermod -aG render alice" in said
        assert "%aim stop demo" in said
    assert card.text.count("to mend") == 3
    assert "0 good · 0 to mend" in checks_card(()).text
