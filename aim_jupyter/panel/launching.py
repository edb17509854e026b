"""The Launch tab: model, GPUs, recipe, the launch line that stands for them, and Launch."""

from __future__ import annotations

from typing import Any

from aim_jupyter.core.defaults import IDLE_S
from aim_jupyter.panel import controls
from aim_jupyter.panel.controller import Controller
from aim_jupyter.panel.controls import Dropdown, Number, Text, Toggle, named, offer, on_user, put
from aim_jupyter.panel.picker import Picker
from aim_jupyter.panel.state import Answer, Scene
from aim_jupyter.render import devices, panel, words
from aim_jupyter.tables.known import row as known_row

_CONTEXTS = (0, "auto", 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072)
# 0 is none: a list of ipywidgets takes None for nothing chosen.
_IDLES = (900.0, 1800.0, IDLE_S, 14_400.0, 0.0)
_LIFETIMES = (0.0, 3600.0, 14_400.0, 28_800.0, 86_400.0)
_INDENT = "0 0 0 114px"


class Launching:
    """The controls of the tab, and what they show of a scene."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._gpus: dict[int, tuple[Any, Any]] = {}
        self._make_model()
        self._make_recipe()
        self._make_more()
        self._make_launch()
        on_user(self.users, lambda count: controller.change(users=count if count > 1 else None))
        on_user(self.recipe, lambda name: controller.change(recipe=self._unless_best(name)))
        for field in ("context", "idle_s", "lifetime_s"):
            on_user(getattr(self, field), self._changer(field, none=0))
        for field in ("engine", "name"):
            on_user(getattr(self, field), self._changer(field, none=""))
        for field in ("typed", "new"):
            on_user(getattr(self, field), self._changer(field))
        on_user(self.more, lambda opened: controls.show(self.more_rows, visible=opened))
        self.launch.on_click(lambda _: controller.launch())
        self.root = controls.column(
            self.model,
            controls.row(self.users, self.context),
            controls.row(controls.label(panel.label("GPUs")), self.gpu_row),
            controls.row(self.recipe, self.count),
            controls.column(self.table, self.fit, padding=_INDENT),
            controls.row(self.idle_s, self.more),
            self.more_rows,
            self.line_row,
            controls.column(self.problem, padding=_INDENT),
            controls.row(self.launch, self.note, padding=_INDENT),
        )

    # -- what there is ---------------------------------------------------------------------------

    def _make_model(self) -> None:
        self.model = Picker(self._controller.choose, self._controller.attach)
        self.users = Number(value=1, min=1, max=100_000, **named("Users", "220px"))
        contexts = [(_context_words(count), count) for count in _CONTEXTS]
        self.context = Dropdown(options=contexts, **named("Context", "240px"))
        self.context.style.description_width = "70px"
        self.gpu_row = controls.row(flex="1", min_width="0", align_items="flex-start")

    def _make_recipe(self) -> None:
        self.recipe = Dropdown(**named("Recipe", "600px"))
        self.count = controls.html()
        self.table = controls.html()
        self.fit = controls.html()

    def _make_more(self) -> None:
        idles = [(_idle_words(seconds), seconds) for seconds in _IDLES]
        self.idle_s = Dropdown(options=idles, value=IDLE_S, **named("Idle stop", "340px"))
        self.more = Toggle(description="More options", icon="sliders")
        ends = [(_end_words(seconds), seconds) for seconds in _LIFETIMES]
        self.lifetime_s = Dropdown(options=ends, **named("Ends", "340px"))
        self.engine = Dropdown(options=[("the one that suits", "")], **named("Engine", "340px"))
        self.name = Text(
            placeholder="else the model's", continuous_update=False, **named("Name", "340px")
        )
        self.typed = Text(
            placeholder="as on a launch line: --max-num-seqs 8 --env NAME=VALUE",
            continuous_update=False,
            **named("Options", "600px"),
        )
        self.new = Toggle(description="Beside one that runs", tooltip="--new")
        self.new.layout.width = "180px"
        self.more_rows = controls.column(
            controls.row(self.lifetime_s, self.name),
            controls.row(self.engine, self.new),
            self.typed,
        )
        controls.show(self.more_rows, visible=False)

    def _make_launch(self) -> None:
        self.line = controls.html(flex="1", min_width="0")
        self.line_row = controls.row(controls.label(panel.label("Launch line")), self.line)
        self.problem = controls.html()
        self.launch = controls.button("Launch", "Start it in the background", "primary")
        self.launch.disabled = True
        self.note = controls.html(flex="1", padding="0 0 0 12px")

    # -- what is shown ---------------------------------------------------------------------------

    def show(self, scene: Scene) -> None:
        """Show a scene; what is there already stays untouched."""
        form, chosen, answer = scene.form, scene.form.chosen, scene.answer
        self.model.show(_picker(scene))
        put(self.users, value=chosen.users or 1)
        _offer(self.context, chosen.context or 0, _context_words)
        _offer(self.idle_s, chosen.idle_s or 0, _idle_words)
        _offer(self.lifetime_s, chosen.lifetime_s or 0, _end_words)
        engines = [("the one that suits", ""), *((name, name) for name in scene.engines)]
        offer(self.engine, engines, chosen.engine if chosen.engine in scene.engines else "")
        put(self.name, value=chosen.name or "")
        put(self.typed, value=form.typed)
        put(self.new, value=chosen.new)
        self._show_gpus(scene)
        controls.show(self.line_row, visible=bool(chosen.model))
        if not chosen.model:
            self._show_answer(Answer(form=form), old=False)
        elif answer is None:
            put(self.line, value=panel.line_box(form.spelled, old=True))
        else:
            self._show_answer(answer, old=scene.current is None)
        put(self.note, value=panel.note(_note(scene)))
        put(self.launch, disabled=not _can_launch(scene))

    def _show_gpus(self, scene: Scene) -> None:
        if scene.machine is None:
            return
        gpus = {gpu.hip_index: gpu for gpu in scene.machine.gpus if gpu.hip_index is not None}
        if not gpus:
            if not self.gpu_row.children:
                said = f"{devices.NONE} The CPU serves."
                self.gpu_row.children = [controls.html(panel.note(said))]
            return
        if list(self._gpus) != list(gpus):
            self._gpus = {index: self._gpu(index) for index in gpus}
            self.gpu_row.children = [
                controls.column(*parts, width="82px", grid_gap="2px")
                for parts in self._gpus.values()
            ]
        answer = scene.current
        taken = answer.chosen.gpus if answer and answer.chosen and answer.launchable else ()
        for index, (toggle, below) in self._gpus.items():
            gpu, chosen = gpus[index], index in (scene.form.chosen.gpus or ())
            usable = gpu.state == "free" and gpu.usable is not False
            put(
                toggle,
                value=chosen,
                icon="check" if chosen else "",
                button_style="primary" if chosen else "",
                disabled=not (usable or chosen),
                tooltip=devices.label(gpu, scene.user),
            )
            shown = panel.holder(gpu, scene.user, taken=index in taken and not chosen)
            put(below, value=shown)

    def _gpu(self, index: int) -> tuple[Any, Any]:
        toggle = Toggle(description=f"GPU {index}")
        toggle.layout.width = "78px"
        on_user(toggle, lambda down: self._choose_gpu(index, down=down))
        return toggle, controls.html(width="82px", padding="0 2px")

    def _show_answer(self, answer: Answer, *, old: bool) -> None:
        options = [(panel.choice_words(choice), choice.recipe.id) for choice in answer.choices]
        chosen = answer.chosen.recipe.id if answer.chosen else None
        offer(self.recipe, options, chosen)
        controls.show(self.recipe, visible=bool(options))
        put(self.count, value=panel.note(_count(answer)))
        put(self.table, value=panel.recipes(answer.choices, answer.chosen))
        put(self.fit, value=panel.fit(answer.chosen))
        put(self.line, value=panel.line_box(answer.line, old=old))
        put(self.problem, value=panel.problem(answer.error))

    # -- what its user does ----------------------------------------------------------------------

    def _changer(self, field: str, *, none: Any = ...) -> Any:
        def change(value: Any) -> None:
            self._controller.change(**{field: None if value == none else value})

        return change

    def _unless_best(self, name: str | None) -> str | None:
        answer = self._controller.scene.answer
        best = answer.choices[0].recipe.id if answer and answer.choices else None
        return None if name == best else name

    def _choose_gpu(self, index: int, *, down: bool) -> None:
        others = [one for one in self._controller.scene.form.chosen.gpus or () if one != index]
        self._controller.change(gpus=tuple(sorted([*others, index] if down else others)) or None)


def _offer(control: Dropdown, value: Any, said: Any) -> None:
    """Choose a value of a fixed list; one that is not there was said on the line, and is added."""
    options = list(control.options)
    if value not in [one for _, one in options]:
        options.append((said(value), value))
    offer(control, options, value)


def _context_words(count: int | str) -> str:
    if count == "auto":
        return "the most that fit"
    return f"{words.number(int(count))} tokens" if count else "the recipe's"


def _idle_words(seconds: float) -> str:
    return "never" if not seconds else f"after {words.limit(seconds)} without requests"


def _end_words(seconds: float) -> str:
    return "when it is stopped" if not seconds else f"{words.limit(seconds)} after its launch"


def _picker(scene: Scene) -> dict[str, Any]:
    """Return what the model field shows, as ``picker.d.ts`` has it."""
    known, chosen = scene.known, scene.form.chosen
    asked = [
        words.plural(chosen.users or 1, "user"),
        _context_words(chosen.context) if chosen.context else "",
        f"GPU {','.join(map(str, chosen.gpus))}" if chosen.gpus else "",
    ]
    return {
        "models": None if known is None else [known_row(one) for one in known.models],
        "chosen": chosen.model,
        "offline": known is not None and known.offline,
        "about": f"the recipe that would run here, {', '.join(filter(None, asked))}",
    }


def _count(answer: Answer) -> str:
    if not answer.choices:
        return ""
    fit = sum(choice.verdict != "NO" for choice in answer.choices)
    return f"{fit} of {len(answer.choices)} fit"


def _can_launch(scene: Scene) -> bool:
    answer = scene.current
    return bool(answer and answer.launchable) and "launch" not in scene.doing


def _note(scene: Scene) -> str:
    """Return the sentence beside Launch: what it will take, or what is awaited."""
    answer = scene.current
    if "launch" in scene.doing:
        return "Launching"
    if scene.known is not None and not scene.form.chosen.model:
        return "no model chosen yet"
    if answer is not None and answer.pending:
        return "Asking where its weights come from"
    if answer is None:
        return "Checking" if scene.answer else "Looking at GPUs, recipes and the engine"
    if not answer.launchable:
        return ""
    known = answer.ready_s
    takes = (
        f"about {words.duration(known)}, from the last start here"
        if known
        else "no start of it yet to tell how long it takes"
    )
    weights = (
        f"`{answer.download}` is downloaded first" if answer.download else "weights are on disk"
    )
    return f"{takes}; {weights}"
