"""What is left of a panel: said in words, kept when it changes, and not more often."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import pytest
from msgspec.structs import replace

from aim_jupyter.core.request import Request
from aim_jupyter.panel import remains
from aim_jupyter.panel.remains import Remains, last_state
from aim_jupyter.panel.state import Answer, Form, Scene
from tests.render.samples import FAILED, READY

FORM = Form(chosen=Request(model="demo"), typed="--max-num-seqs 8")
SCENE = Scene(form=FORM, answer=Answer(form=FORM, line="%aim launch --max-num-seqs 8"))


class Kept:
    """Stands where IPython's handle of a display does."""

    def __init__(self) -> None:
        self.bundles: list[dict[str, str]] = []

    def __call__(self, bundle: dict[str, str], **_: object) -> Kept:
        self.bundles.append(bundle)
        return self

    update = __call__


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    handle = Kept()
    monkeypatch.setattr(remains, "display", handle)
    monkeypatch.setattr(remains, "KEPT_EVERY_S", 0.0)
    return handle


def test_servers_are_named_and_the_line_opens_the_same_panel() -> None:
    left = last_state(replace(SCENE, views=(READY, FAILED)), at=0.0)
    assert "%aim panel demo --max-num-seqs 8</pre>" in left.html
    half_typed = replace(SCENE, form=replace(FORM, typed="--env 'A"))
    assert last_state(half_typed).text.endswith("%aim panel demo")
    secret = replace(SCENE, form=replace(FORM, typed="--env MY_TOKEN=hf_abcdefgh --users 3"))
    assert last_state(secret).text.endswith("%aim panel demo --users 3")
    for view in (READY, FAILED):
        assert f"{view.record.name} · {view.record.state}" in left.text
    assert str(READY.record.endpoint) in left.text
    assert str(FAILED.record.endpoint or "http") not in last_state(SCENE).text
    assert "no server" in last_state(SCENE).text


def test_what_comes_from_outside_stays_text() -> None:
    record = replace(READY.record, plan=replace(READY.record.plan, model="<img src=x>"))
    left = last_state(replace(SCENE, views=(replace(READY, record=record),)))
    assert "<img" not in left.html


def test_only_another_state_is_kept(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    left = Remains(widgets.VBox())
    left.keep(SCENE)
    assert kept.bundles == [], "nothing is kept of a panel that nobody was shown"
    left.place(SCENE)
    for scene in (SCENE, replace(SCENE, busy=True), replace(SCENE, views=(READY,))):
        left.keep(scene)
    assert len(kept.bundles) == 3
    monkeypatch.setattr(remains, "KEPT_EVERY_S", 3600.0)
    left.keep(SCENE)
    assert len(kept.bundles) == 3, "each is a change of the notebook"


def test_it_is_hidden_by_the_live_controls_of_its_own_panel_alone(kept: Kept) -> None:
    roots: list[Any] = [widgets.VBox(), widgets.VBox()]
    for root in roots:
        Remains(root).place(SCENE)
    for root, bundle in zip(roots, kept.bundles, strict=True):
        (name,) = root._dom_classes
        assert f"body:has(.{name}:not(.jupyter-widgets-disconnected)) #" in bundle["text/html"]
        assert sum(name in one["text/html"] for one in kept.bundles) == 1
