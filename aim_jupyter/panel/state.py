"""What a panel shows, as data, and how it changes: pure, without widgets, threads or the core.

`Form` is what its user has chosen; `Scene` is all of it. Servers are never remembered here beyond
the last look at them, so that several panels show the same and a new kernel's panel finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.commands import handlers, parsing
from aim_jupyter.core.records import (
    CachedModel,
    CacheTotals,
    Choice,
    Machine,
    Sample,
    ServerView,
)
from aim_jupyter.core.records.known import KnownModels
from aim_jupyter.core.request import Request, words

Page = Literal["launch", "servers", "cache"]
PAGES: tuple[Page, ...] = get_args(Page)

#: States in which something changes by itself soon.
MOVING = ("starting", "stopping")


class Form(Struct, frozen=True, kw_only=True):
    """What the user has chosen on the Launch tab.

    Attributes
    ----------
    chosen : Request
        What has a control of its own.
    typed : str
        More of a launch line, as it is typed: ``--max-num-seqs 8 --env A=b``.
    """

    chosen: Request = Request()
    typed: str = ""

    @property
    def words(self) -> list[str]:
        """The form as the words of a launch line; may raise `BadUsage` for an open quote."""
        return [*words.words(self.chosen), *parsing.split(self.typed)]

    @property
    def spelled(self) -> str:
        """The launch line of a form that can't be read: as it was filled in."""
        return f"{words.line(words.wishes(Request(model=self.chosen.model)))} {self.typed}".rstrip()

    def request(self) -> Request:
        """Return the request that the launch line with these words is.

        Raises
        ------
        BadUsage, UnknownName
            If a word of it is wrong.
        """
        _, given = parsing.parse(["launch", *self.words])
        return handlers.request(given)


class Answer(Struct, frozen=True, kw_only=True):
    """What the core says of a form.

    Attributes
    ----------
    choices : tuple of Choice
        Every recipe of the model on the GPUs that were chosen, the best first.
    chosen : Choice or None
        The one that would be launched.
    line : str
        The shortest line that gives the same plan.
    pending : bool
        Whether it is still asked where the weights come from: the verdicts stand already.
    ready_s : float or None
        From launch to ready, as it was the last time.
    download : str or None
        The repository that has to come first.
    error : tuple of str
        Why it can't be launched, in two lines; empty where it can.
    """

    form: Form
    model: str = ""
    choices: tuple[Choice, ...] = ()
    chosen: Choice | None = None
    line: str = ""
    pending: bool = False
    ready_s: float | None = None
    download: str | None = None
    error: tuple[str, ...] = ()

    @property
    def launchable(self) -> bool:
        """Whether there is a plan."""
        return not self.error and not self.pending and self.chosen is not None


class Scene(Struct, frozen=True, kw_only=True):
    """All that a panel shows at one moment.

    Attributes
    ----------
    known : KnownModels or None
        What can be named, and what each would be here; None before it was read.
    answer : Answer or None
        Of the last form that was judged; while it is not of `form`, it is old.
    views : tuple of ServerView or None
        None before the first look.
    selected : str or None
        The server that the Servers tab is about.
    history : tuple of Sample
        The recent past of that server, oldest first.
    asked : str or None
        The server whose stop waits for a yes, because requests run.
    doing : tuple of str
        What is under way and how it is called, such as ``launch demo``.
    error : tuple of str
        What went wrong with the last thing done, in two lines.
    busy : bool
        Whether the kernel runs a cell: no click arrives before its end.
    """

    form: Form = Form()
    page: Page = "launch"
    machine: Machine | None = None
    user: str | None = None
    known: KnownModels | None = None
    engines: tuple[str, ...] = ()
    answer: Answer | None = None
    views: tuple[ServerView, ...] | None = None
    history: tuple[Sample, ...] = ()
    selected: str | None = None
    log: tuple[str, ...] = ()
    log_open: bool = False
    asked: str | None = None
    cached: tuple[CachedModel, ...] = ()
    totals: CacheTotals | None = None
    doing: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    busy: bool = False

    @property
    def current(self) -> Answer | None:
        """The answer, if it is the form's."""
        return self.answer if self.answer and self.answer.form == self.form else None

    @property
    def view(self) -> ServerView | None:
        """The server that the Servers tab is about."""
        found = (one for one in self.views or () if one.record.name == self.selected)
        return next(found, None)

    @property
    def live(self) -> int:
        """How many servers run or are about to."""
        return sum(view.record.live for view in self.views or ())

    @property
    def moving(self) -> bool:
        """Whether something changes by itself soon."""
        return any(view.record.state in MOVING for view in self.views or ())


def changed(scene: Scene, **fields: object) -> Scene:
    """Return the scene after its user has changed the form; another model has other recipes.

    Parameters
    ----------
    fields
        Of the request, or `typed`.
    """
    form = scene.form
    typed = fields.pop("typed", form.typed)
    if "model" in fields and fields["model"] != form.chosen.model:
        fields = {"recipe": None, "new": False, **fields}
    form = replace(form, chosen=replace(form.chosen, **fields), typed=typed)
    return replace(scene, form=form, error=())


def opened(scene: Scene, known: KnownModels) -> Scene:
    """Return the scene with what can be named; a form that names none begins with a useful one."""
    if scene.known is None and not scene.form.chosen.model:
        scene = changed(scene, model=known.suggested)
    return replace(scene, known=known)


def launched(scene: Scene, name: str) -> Scene:
    """Return the scene after a launch: about that server, and the form as one that was emptied.

    So a second click starts nothing.
    """
    fresh = changed(scene, model="", recipe=None, name=None, new=False)
    return selected(replace(fresh, answer=None), name)


def answered(scene: Scene, answer: Answer) -> Scene:
    """Return the scene with what the core says of a form; too late for another form, it is kept."""
    if answer.form != scene.form and scene.answer is not None:
        return scene
    return replace(scene, answer=answer)


def seen(scene: Scene, views: Sequence[ServerView]) -> Scene:
    """Return the scene after a look at the servers.

    The selection stays while its server is there; else it is the last one that was launched, one
    that lives before one that has ended.
    """
    names = {view.record.name for view in views}
    latest = max(views, key=lambda one: (one.record.live, one.record.created_at), default=None)
    kept = scene.selected if scene.selected in names else None
    selected = kept or (latest.record.name if latest else None)
    asked = scene.asked if scene.asked == selected else None
    return replace(
        scene,
        views=tuple(sorted(views, key=lambda one: -one.record.created_at)),
        selected=selected,
        asked=asked,
    )


def selected(scene: Scene, name: str | None) -> Scene:
    """Return the scene about another server; what belongs to the former one goes."""
    return replace(scene, selected=name, history=(), log=(), asked=None, error=())


def begun(scene: Scene, what: str) -> Scene:
    """Return the scene while something is under way."""
    return replace(scene, doing=(*scene.doing, what), error=(), asked=None)


def ended(scene: Scene, what: str, error: Sequence[str] = ()) -> Scene:
    """Return the scene after something has ended, with what went wrong."""
    left = list(scene.doing)
    if what in left:
        left.remove(what)
    return replace(scene, doing=tuple(left), error=tuple(error) or scene.error)


def has_to_ask(scene: Scene, name: str) -> bool:
    """Whether a stop would cut into running requests, and the user has not been asked yet."""
    view = next((one for one in scene.views or () if one.record.name == name), None)
    running = view.sample.req_running if view and view.sample else None
    return bool(running) and scene.asked != name
