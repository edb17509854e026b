"""What the doctor found, and what mends it."""

from aim_jupyter.core.records import Check
from aim_jupyter.render.checks import checks_card


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
