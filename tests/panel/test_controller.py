"""What a panel does with the core: real servers on the fake engine, no widgets."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from aim_jupyter.core import api
from aim_jupyter.core.errors import Offline
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request import Request
from aim_jupyter.panel.controller import Controller, answers_for
from aim_jupyter.panel.state import Form, Scene
from tests.conftest import FakeEngine
from tests.waiting import LIMIT_S, launch_ready, until


class Held:
    """A function of the core that waits until it is let go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.release = threading.Event()
        real = getattr(api, name)

        def held(*words: object, **options: object) -> object:
            assert self.release.wait(LIMIT_S)
            return real(*words, **options)

        monkeypatch.setattr(api, name, held)


@pytest.fixture
def controller() -> Iterator[Controller]:
    made = Controller()
    made.watch(watched=True)
    made.start()
    yield made
    made.close()
    until(lambda: not threads())


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("aim-panel")]


def reached(controller: Controller, is_so: Callable[[Scene], bool]) -> Scene:
    """Return the first scene of which `is_so` holds."""
    version, end = 0, time.monotonic() + LIMIT_S
    while not is_so(controller.scene):
        assert time.monotonic() < end, controller.scene
        version = controller.wait(version, 1.0)
    return controller.scene


@pytest.fixture(autouse=True)
def engine(fake: FakeEngine) -> None:
    fake(load_s=0.5)


def test_choose_launch_watch_and_stop(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = reached(controller, lambda scene: bool(scene.current and scene.current.launchable))
    assert scene.current is not None
    assert (scene.current.line, scene.current.launchable) == ("%aim launch", True)
    assert scene.known is not None
    assert scene.known.models[0].model == scene.known.suggested == scene.form.chosen.model == "demo"
    controller.change(typed="--max-num-seqs 8")
    scene = reached(controller, lambda scene: scene.current is not None)
    assert scene.current is not None
    assert scene.current.line == "%aim launch --max-num-seqs 8"

    launching = Held(monkeypatch, "launch")
    # Nobody waits for it, and it is seen to be under way.
    controller.launch()
    assert "launch" in controller.scene.doing
    launching.release.set()
    scene = reached(controller, lambda scene: scene.page == "servers")
    assert scene.selected == "demo"
    assert scene.form.chosen.model == "", "a second click starts nothing"
    scene = reached(controller, lambda scene: bool(scene.view and scene.view.sample))
    scene = reached(controller, lambda scene: _server_of(scene, "demo") == "demo")
    assert "--max-num-seqs" in scene.view.record.plan.argv  # type: ignore[union-attr]
    reached(controller, lambda scene: bool(scene.history))
    controller.open_log(opened=True)
    reached(controller, lambda scene: any("Starting vLLM" in line for line in scene.log))

    # What another panel, a magic or a new kernel has stopped is seen here too.
    stopping = Held(monkeypatch, "stop")
    controller.stop()
    assert "stop demo" in controller.scene.doing
    stopping.release.set()
    scene = reached(controller, lambda scene: scene.live == 0 and not scene.doing)
    assert scene.view is not None
    assert scene.view.record.state == "stopped"
    controller.choose("demo", another=False)
    # The next launch knows what the last one took.
    scene = reached(controller, lambda s: bool(s.current and s.current.ready_s))
    assert scene.error == ()
    controller.forget()
    reached(controller, lambda scene: scene.views == () and not scene.doing)
    assert api.servers() == []


def _server_of(scene: Scene, model: str) -> str | None:
    rows = scene.known.models if scene.known else ()
    return next((row.server for row in rows if row.model == model), None)


def test_what_runs_already_is_turned_to(controller: Controller) -> None:
    launch_ready()
    reached(controller, lambda scene: scene.live == 1)
    controller.attach("demo")
    assert (controller.scene.page, controller.scene.selected) == ("servers", "demo")
    assert controller.scene.live == 1


def test_the_verdicts_come_before_anything_is_asked_of_the_hub(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    form = Form(chosen=Request(model="demo"))
    first, then = answers_for(form)
    assert (first.pending, first.launchable, first.choices[0].verdict) == (True, False, "FITS")
    assert then.launchable

    def away(_: Request) -> Plan:
        raise Offline("The Hub does not answer.", "%aim launch demo")

    monkeypatch.setattr(api, "plan", away)
    first, then = answers_for(form)
    assert first.choices == then.choices
    assert then.error == ("Offline: The Hub does not answer.", "Try: %aim launch demo")


def test_a_new_panel_finds_what_runs(controller: Controller) -> None:
    launch_ready()
    scene = reached(controller, lambda scene: scene.live == 1)
    assert scene.selected == "demo"
    api.stop("demo", drain_s=0)
    reached(controller, lambda scene: scene.live == 0)


def test_what_is_wrong_is_said_in_two_lines(controller: Controller) -> None:
    controller.change(typed="--max-nmu-seqs 8")
    scene = reached(controller, lambda scene: bool(scene.current and scene.current.error))
    found, todo = scene.current.error  # type: ignore[union-attr]
    assert found.startswith("BadUsage: vLLM 0.32.0 has no option --max-nmu-seqs")
    assert todo.startswith("Try: %aim")
    controller.launch()
    scene = reached(controller, lambda scene: not scene.doing)
    assert scene.error == (found, todo)
    assert scene.live == 0


def test_a_defect_keeps_its_whole_traceback(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> object:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(api, "servers", broken)
    scene = reached(controller, lambda scene: bool(scene.error))
    assert scene.error[0].startswith("Traceback")
    assert scene.error[-1] == "ZeroDivisionError: a defect"


def test_unseen_it_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    real = api.servers

    def counted() -> object:
        looks.append(time.monotonic())
        return real()

    monkeypatch.setattr(api, "servers", counted)
    monkeypatch.setattr("aim_jupyter.panel.controller.SLOW_S", 0.05)
    controller = Controller(Form(chosen=Request(model="demo")))
    controller.start()
    until(lambda: bool(looks))
    time.sleep(0.5)
    # Once, for the first paint.
    assert len(looks) == 1
    controller.watch(watched=True)
    until(lambda: len(looks) > 3)
    controller.watch(watched=False)

    def rests() -> bool:
        seen = len(looks)
        time.sleep(0.5)
        return len(looks) == seen

    # One look may have been under way.
    until(rests)
    controller.close()
    until(lambda: not threads())


def test_only_a_cell_that_goes_on_is_worth_a_word(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aim_jupyter.panel.controller.BUSY_S", 0.2)
    controller.cell(busy=True)
    controller.cell(busy=False)
    time.sleep(0.4)
    assert not controller.scene.busy
    controller.cell(busy=True)
    reached(controller, lambda scene: scene.busy)
    controller.cell(busy=False)
    assert not controller.scene.busy


def test_it_knows_no_widgets() -> None:
    import subprocess  # noqa: PLC0415

    code = "import sys, aim_jupyter.panel.controller; print('ipywidgets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
