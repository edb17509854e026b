"""The engine environments, usable or not."""

from msgspec.structs import replace

from aim_jupyter.render.engines import engines_card
from tests.render.samples import CPU_ENGINE, ENGINE


def test_one_that_can_not_serve_says_why() -> None:
    broken = replace(CPU_ENGINE, usable=False, reason="no vllm in it")
    text = engines_card([ENGINE, broken]).text
    assert "1 of 2 usable" in text
    assert "not usable: no vllm in it" in text
    assert ENGINE.python in text
    assert "no reason known" in engines_card([replace(broken, reason=None)]).text


def test_without_any_the_line_that_installs_one_is_there() -> None:
    assert "%aim engine install cpu" in engines_card([]).text
