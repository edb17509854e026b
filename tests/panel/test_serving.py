"""The Servers tab and the Cache tab: what they show of a scene, and what they ask for."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.records import CacheTotals
from aim_jupyter.panel.controls import Writer
from aim_jupyter.panel.serving import Cached, Serving
from aim_jupyter.panel.state import Scene
from tests.panel.asked import Asked
from tests.render.samples import FAILED, READY, changed

NAME = READY.record.name
OVER = changed(FAILED, name="over")
SCENE = Scene(views=(READY, OVER), selected=NAME)


def shown(scene: Scene) -> tuple[Serving, Asked]:
    """Return the tab as it shows a scene."""
    asked = Asked(scene)
    tab = Serving(asked.controller)
    with Writer():
        tab.show(scene)
    assert asked.calls == [], "to show is to ask nothing"
    return tab, asked


def hidden(part: object) -> bool:
    return part.layout.display == "none"  # type: ignore[attr-defined, no-any-return]


def test_before_the_first_look_none_is_said_to_be_there() -> None:
    tab, _ = shown(Scene())
    assert "Looking for servers" in tab.nothing.value
    assert hidden(tab.all)
    tab, _ = shown(Scene(views=()))
    assert "No server yet" in tab.nothing.value


def test_a_running_server_can_be_stopped_and_not_forgotten() -> None:
    tab, asked = shown(SCENE)
    assert not hidden(tab.all)
    assert (hidden(tab.stop), hidden(tab.forget), hidden(tab.keep)) == (False, True, True)
    tab.stop.click()
    assert asked.calls == [("stop", {})]


def test_one_that_failed_can_be_forgotten_once() -> None:
    name = OVER.record.name
    tab, asked = shown(replace(SCENE, selected=name))
    assert (hidden(tab.stop), hidden(tab.forget)) == (True, False)
    tab.forget.click()
    assert asked.calls == [("forget", {})]
    tab, _ = shown(replace(SCENE, selected=name, doing=(f"forget {name}",)))
    assert tab.forget.disabled


def test_a_stop_that_would_end_requests_asks_first() -> None:
    tab, _ = shown(replace(SCENE, asked=NAME))
    assert not hidden(tab.keep)
    assert tab.stop.button_style == "danger"
    assert f"Stop {NAME}?" in tab.note.value


def test_a_log_is_shown_where_it_is_open_and_stays_text() -> None:
    tab, asked = shown(replace(SCENE, log=("<b>line</b>",)))
    assert hidden(tab.log)
    assert tab.log.value == ""
    tab.log_toggle.value = True
    assert asked.calls == [("open_log", {"opened": True})]
    tab, _ = shown(replace(SCENE, log=("<b>line</b>",), log_open=True))
    assert "line" in tab.log.value
    assert "<b>" not in tab.log.value


def test_another_server_is_taken_from_the_list() -> None:
    tab, asked = shown(SCENE)
    tab.server.value = OVER.record.name
    assert asked.calls == [("select", OVER.record.name)]


def test_the_cache_is_looked_at_before_it_is_shown() -> None:
    tab = Cached()
    tab.show(Scene())
    assert "Looking at the cache" in tab.body.value
    tab.show(Scene(totals=CacheTotals(models=0, incomplete=0, size_bytes=0)))
    assert "Looking" not in tab.body.value
