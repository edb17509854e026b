"""Names, paths and log lines come from outside: none may become markup or steer a terminal."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from aim_jupyter.core.records import Check, EngineEnvironment, Machine, NextStep
from aim_jupyter.render import (
    Card,
    cache_card,
    checks_card,
    engines_card,
    gpus_card,
    launch_card,
    recipes_card,
    reply_footer,
    status_card,
    top_card,
)
from tests.render import fits, lists, samples
from tests.render.pages import KNOWN, Page

NASTY = "<img src=x onerror=alert(1)>\"'</td></script><!-- & \x1b[2J\x07\u202e"
replace = msgspec.structs.replace
nasty = st.text(alphabet="<>&\"'`/=!- a\x1b[m\n\x00\u202e", max_size=30) | st.just(NASTY)


def shaken(record: Any, text: str) -> Any:
    """Return a record whose every free text is `text`, those inside it too."""
    if isinstance(record, tuple | list):
        return tuple(shaken(one, text) for one in record)
    if not isinstance(record, msgspec.Struct):
        return record
    changes: dict[str, Any] = {}
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, str) and field.type in (str, str | None):
            changes[field.name] = text
        elif isinstance(value, msgspec.Struct | tuple):
            changes[field.name] = shaken(value, text)
    return replace(record, **changes)


def every_card(text: str) -> list[Card]:
    """Return all cards with `text` in all places that come from outside."""
    launches = [samples.STARTING, samples.READY, samples.FAILED, *samples.ENDINGS.values()]
    machine: Machine = shaken(samples.MACHINE, text)
    return [
        status_card(shaken(samples.STATUS, text)),
        gpus_card(machine, user=text, mask=text, on_hub=True),
        *(
            launch_card(shaken(view, text), log_tail=(text, text), browser_path=text)
            for view in launches
        ),
        recipes_card(shaken(fits.CHOICES, text), text),
        recipes_card(shaken(fits.CPU_CHOICES, text)),
        top_card(shaken(lists.TOP["views"], text), machine, {}, at=0.0, user=text),
        engines_card(shaken(lists.ENGINES, text)),
        cache_card(shaken(lists.CACHED, text)),
        checks_card(shaken(lists.CHECKS, text)),
        reply_footer(1, None, None, text),
    ]


@settings(deadline=None)
@given(nasty)
def test_no_text_from_outside_becomes_markup(text: str) -> None:
    for card in every_card(text):
        page = Page(card.html)
        assert {element.name for element in page.elements} <= KNOWN
        assert not any(name.startswith("on") for e in page.elements for name in e.attributes)
        assert "\x1b" not in card.html
        assert "\x00" not in card.html


@settings(deadline=None)
@given(nasty)
def test_no_text_from_outside_steers_a_terminal(text: str) -> None:
    for card in every_card(text):
        assert "\x1b" not in card.text
        assert "\x1b[2J" not in card.terminal
        assert all(char.isprintable() or char in "\n\t" for char in card.text)


def test_a_hostile_name_is_shown_as_it_is() -> None:
    views = (replace(samples.RUNNING_8B, record=replace(samples.RUNNING_8B.record, name=NASTY)),)
    card = status_card(replace(samples.STATUS, servers=views))
    assert "&lt;img src=x onerror=alert(1)&gt;" in card.html
    assert "<img src=x onerror=alert(1)>" in Page(card.html).text


def test_a_command_quotes_a_name_that_needs_it() -> None:
    record = replace(samples.STARTING.record, name="a b; rm")
    card = launch_card(replace(samples.STARTING, record=record))
    assert "%aim stop 'a b; rm'" in card.text


def test_next_steps_and_fixes_show_their_line_whole() -> None:
    step = NextStep(line="%aim launch 'a<b'", what="x")
    card = status_card(replace(samples.STATUS, next=(step,)))
    assert "%aim launch 'a<b'" in Page(card.html).text
    fixed = checks_card([Check(name="a", good=False, found="b", fix="%aim stop 'a<b'")])
    assert "%aim stop 'a<b'" in Page(fixed.html).text


def test_engine_paths_are_escaped() -> None:
    bad = EngineEnvironment(name="<x>", python="/<y>/python", source="variable", reason="<z>")
    page = Page(engines_card([bad]).html)
    assert "<x>: <z> /<y>/python" in page.text
