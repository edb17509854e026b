"""The engine environments, usable or not."""

from msgspec.structs import replace

from aim_jupyter.render.engines import engines_card
from tests.render import lists
from tests.render.pages import Page
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


def test_engines_tell_why_one_can_not_be_used_and_where_each_is() -> None:
    card = engines_card(lists.ENGINES)
    for said in (card.text, Page(card.html).text):
        assert "2 of 4 usable" in said
        assert "vLLM 0.9.2 is older than 0.18" in said
        assert "named by AIM_ENGINE_PYTHON" in said
        for environment in lists.ENGINES:
            assert environment.python in said


def test_no_engine_shows_the_command_that_installs_one() -> None:
    assert engines_card(()).text.endswith("%aim engine install cpu")
