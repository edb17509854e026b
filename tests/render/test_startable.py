"""Whether a model can start without network, and what it lacks."""

from __future__ import annotations

from aim_jupyter.render import (
    startable_card,
)
from tests.render import disk


def test_why_names_what_is_missing_and_the_line_that_mends_it() -> None:
    text = startable_card(disk.CAN_NOT_START).text
    assert "It can't start without network." in text
    assert "model-00014-of-00030.safetensors and 16 files more" in text
    assert "Damaged: model-00001-of-00030.safetensors." in text
    assert text.endswith("%aim cache prefetch meta-llama/Llama-3.3-70B-Instruct")
    good = startable_card(disk.CAN_START).text
    assert "Its weights are those of Qwen/Qwen3-32B-FP8." in good
    assert "prefetch" not in good
    assert "Nothing of it is on disk." in startable_card(disk.IS_ABSENT).text
