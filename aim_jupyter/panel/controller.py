"""What a panel does: it asks the core, one thing after another, and never keeps its caller waiting.

Knows no widgets. Every method returns at once; what blocks runs on threads of the panel's own, and
what they find goes into `Controller.scene`, a frozen record that is replaced as a whole. Whoever
shows it waits for the next one with `Controller.wait`.
"""

from __future__ import annotations

import functools
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from aim_jupyter.core import api, config
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Machine, ServerView
from aim_jupyter.core.request import Request
from aim_jupyter.panel import state
from aim_jupyter.panel.state import Answer, Form, Page, Scene

#: Seconds between two looks: while something moves, while a server runs, else.
FAST_S, STEADY_S, SLOW_S = 1.0, 2.0, 5.0
#: Looks after which the GPUs and the cache are read again.
_EVERY = 5
LOG_LINES = 200
#: Seconds that the sparklines show, between two of their points, and that each looks back.
PAST_S, PAST_STEP_S, PAST_WINDOW_S = 300.0, 5.0, 60.0
#: Seconds after which a cell that runs is worth a word.
BUSY_S = 1.0


class Controller:
    """The state of one panel, and what can be done with it.

    Parameters
    ----------
    form : Form
        What is chosen at first.
    """

    def __init__(self, form: Form | None = None) -> None:
        self._changed = threading.Condition()
        self._scene = Scene(form=form or Form(), user=config.user())
        self._version = 0
        self._closed = threading.Event()
        self._watched = threading.Event()
        self._wake = threading.Event()
        self._busy = threading.Event()
        self._to_judge = threading.Event()
        self._to_judge.set()
        self._started = threading.Lock()
        self._looking = threading.Lock()

    def start(self) -> None:
        """Begin to ask; without it nothing runs. A second call does nothing."""
        if not self._started.acquire(blocking=False):
            return
        for work in (self._judge_forms, self._look_around):
            threading.Thread(target=work, daemon=True, name=f"aim-panel{work.__name__}").start()

    def close(self) -> None:
        """End what runs by itself; what was begun (a launch, a stop) ends in its own time."""
        self._closed.set()
        for event in (self._to_judge, self._wake, self._watched):
            event.set()
        self._replace(lambda scene: scene)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed.is_set()

    # -- what is shown ---------------------------------------------------------------------------

    @property
    def scene(self) -> Scene:
        """All that there is to show."""
        return self._scene

    def wait(self, version: int, limit_s: float | None = None) -> int:
        """Block until the scene is newer than `version`; return the newest version."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, limit_s)
            return self._version

    def watch(self, *, watched: bool) -> None:
        """Say whether anybody can see the panel: without eyes on it, it does not look."""
        if watched:
            self._watched.set()
            self._wake.set()
        else:
            self._watched.clear()

    def cell(self, *, busy: bool) -> None:
        """Say whether the kernel runs a cell, during which no click arrives; short ones pass."""
        self._busy.set() if busy else self._busy.clear()
        if busy:
            timer = threading.Timer(BUSY_S, self._say_busy)
            timer.daemon = True
            timer.start()
        else:
            self._replace(lambda scene: replace(scene, busy=False) if scene.busy else scene)

    def _say_busy(self) -> None:
        # Asked while no other change is made: the cell may end in this moment.
        self._replace(lambda scene: replace(scene, busy=True) if self._busy.is_set() else scene)

    # -- what its user does ----------------------------------------------------------------------

    def change(self, **fields: object) -> None:
        """Change the form; the core is asked about it."""
        self._replace(lambda scene: state.changed(scene, **fields))
        self._to_judge.set()

    def choose(self, model: str, another: bool) -> None:  # noqa: FBT001 - as the picker calls it
        """Choose a model, empty for none; `another` is to run beside a server that has it."""
        self.change(model=model, new=another)

    def attach(self, name: str) -> None:
        """Turn to a server that runs already."""
        self.select(name)
        self.turn("servers")

    def turn(self, page: Page) -> None:
        """Turn to another tab."""
        self._replace(lambda scene: replace(scene, page=page))
        self._wake.set()

    def select(self, name: str | None) -> None:
        """Turn to another server."""
        self._replace(lambda scene: state.selected(scene, name))
        self._wake.set()

    def open_log(self, *, opened: bool) -> None:
        """Show the end of the selected server's log, or hide it."""
        self._replace(lambda scene: replace(scene, log_open=opened))
        self._wake.set()

    def launch(self) -> None:
        """Launch what the form says, unless a launch is under way."""
        form = self._scene.form

        def launch() -> None:
            folder = api.launch(form.request())
            self._look()
            self._replace(lambda scene: state.launched(scene, folder.name))
            self.turn("servers")

        self._do("launch", launch)

    def stop(self) -> None:
        """Stop the selected server; where requests run, ask first: a second call is the yes."""
        name = self._scene.selected
        if name is None:
            return
        if state.has_to_ask(self._scene, name):
            self._replace(lambda scene: replace(scene, asked=name))
            return
        self._do(f"stop {name}", lambda: api.stop(name))

    def forget(self) -> None:
        """Take the selected server, which has ended, off the lists, with its log."""
        name = self._scene.selected
        if name is None:
            return

        def forget() -> None:
            api.forget(name)
            self._look(machine=False)

        self._do(f"forget {name}", forget)

    def keep(self) -> None:
        """Answer the question of `stop` with no."""
        self._replace(lambda scene: replace(scene, asked=None))

    # -- threads ---------------------------------------------------------------------------------

    def _do(self, what: str, job: Callable[[], object]) -> None:
        if what in self._scene.doing:
            return
        self._replace(lambda scene: state.begun(scene, what))

        def run() -> None:
            error = self._tried(job)
            self._replace(lambda scene: state.ended(scene, what, error))
            self._to_judge.set()
            self._wake.set()

        # A daemon: a kernel that ends must not wait for a server that drains.
        threading.Thread(target=run, daemon=True, name=f"aim-panel-{what}").start()

    def _judge_forms(self) -> None:
        while self._to_judge.wait() and not self._closed.is_set():
            self._to_judge.clear()
            form = self._scene.form
            error = self._tried(functools.partial(self._judge, form))
            if error:
                answer = Answer(form=form, line=form.spelled, error=error)
                self._replace(functools.partial(state.answered, answer=answer))

    def _judge(self, form: Form) -> None:
        if self._scene.known is None:
            self._list(form)
        if self._scene.machine is None:
            self._read_machine()
        form = self._scene.form
        if form.chosen.model:
            for answer in answers_for(form):
                self._replace(functools.partial(state.answered, answer=answer))
        else:
            self._replace(lambda scene: replace(scene, answer=None))
        if not self._scene.engines:
            engines = tuple(one.name for one in api.engine_list() if one.usable)
            self._replace(lambda scene: replace(scene, engines=engines))
        self._list(form)

    def _list(self, form: Form) -> None:
        """Read what can be named, and what each would be for these users, this context and GPUs."""
        chosen = form.chosen
        asked = Request(users=chosen.users, context=chosen.context, gpus=chosen.gpus)
        known = api.known(asked)
        self._replace(lambda scene: state.opened(scene, known))

    def _look_around(self) -> None:
        looks = 0
        while not self._closed.is_set():
            self._wake.clear()
            error = self._tried(functools.partial(self._look, machine=looks % _EVERY == 0))
            if error:
                self._replace(functools.partial(replace, error=error))
            looks += 1
            self._wake.wait(self._pause())
            self._watched.wait()

    def _pause(self) -> float:
        scene = self._scene
        if scene.moving or scene.doing:
            return FAST_S
        return STEADY_S if scene.live else SLOW_S

    def _look(self, *, machine: bool = True) -> None:
        # One after the other: what was seen before a launch may not be shown after it.
        with self._looking:
            views = api.servers()
            now = time.time()
            views = [replace(view, at=now) for view in views]
            before = _states(self._scene.views or ())
            self._replace(lambda scene: state.seen(scene, views))
        if before != _states(views):
            # What runs stands first in the list of models.
            self._to_judge.set()
        if machine:
            self._read_machine()
            cached = tuple(api.models_on_disk())
            totals = api.cache_totals(list(cached))
            self._replace(lambda scene: replace(scene, cached=cached, totals=totals))
        view = self._scene.view
        if view is not None and self._scene.page == "servers":
            self._look_closer(view)

    def _look_closer(self, view: ServerView) -> None:
        """Read what only the Servers tab shows: the past of its server, and the log."""
        name = view.record.name
        past = api.history(name, PAST_S, every_s=PAST_STEP_S, window_s=PAST_WINDOW_S)
        self._replace(lambda scene: replace(scene, history=tuple(past)))
        if self._scene.log_open:
            log = tuple(api.logs(name, lines=LOG_LINES))
            self._replace(lambda scene: replace(scene, log=log))

    def _read_machine(self) -> None:
        here = api.machine()
        before = self._scene.machine
        self._replace(lambda scene: replace(scene, machine=here))
        if before is not None and _held(before) != _held(here):
            # Whoever took or freed a GPU has changed what fits.
            self._to_judge.set()

    @staticmethod
    def _tried(job: Callable[[], object]) -> tuple[str, ...]:
        """Do a job; return what went wrong, as a user reads it."""
        try:
            job()
        except AimError as error:
            return tuple(error.lines)
        except Exception:  # noqa: BLE001 - a defect: shown with its whole traceback
            return tuple(traceback.format_exc().splitlines())
        return ()

    def _replace(self, change: Callable[[Scene], Scene]) -> None:
        with self._changed:
            before, self._scene = self._scene, change(self._scene)
            if before is not self._scene or self._closed.is_set():
                self._version += 1
                self._changed.notify_all()


def answers_for(form: Form) -> Iterator[Answer]:
    """Yield what the core says of a form: the verdicts, then where its weights come from.

    The latter may wait for the Hub. What is wrong with a form is a part of the answer.
    """
    answer = Answer(form=form, line=form.spelled)
    try:
        request = form.request()
        answer = replace(answer, model=request.model, line=api.launch_line(request))
        choices = api.judged(replace(request, recipe=None))
        chosen = next((one for one in choices if one.recipe.id == request.recipe), None)
        answer = replace(answer, choices=choices, chosen=chosen or next(iter(choices), None))
        yield replace(answer, pending=True)
        made = api.plan(request)
    except AimError as error:
        yield replace(answer, error=tuple(error.lines))
        return
    yield replace(answer, ready_s=api.last_start_s(made), download=made.download)


def _states(views: Iterable[ServerView]) -> set[tuple[str, str]]:
    return {(view.record.name, view.record.state) for view in views}


def _held(here: Machine) -> list[tuple[object, ...]]:
    return [(gpu.key, gpu.state, gpu.holder, gpu.server) for gpu in here.gpus]
