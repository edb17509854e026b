"""The Servers tab: one server at a time, from its start to its end, and Stop; and the Cache tab."""

from __future__ import annotations

from aim_jupyter import render
from aim_jupyter.panel import controls
from aim_jupyter.panel.controller import Controller
from aim_jupyter.panel.controls import Dropdown, Toggle, offer, on_user, put
from aim_jupyter.panel.state import Scene
from aim_jupyter.render import panel, words
from aim_jupyter.render.html import Html

NONE_YET = "No server yet. Launch, on the first tab, starts one."


class Serving:
    """The controls of the Servers tab, and what they show of a scene."""

    def __init__(self, controller: Controller) -> None:
        self.server = Dropdown(tooltip="Server")
        self.server.layout.width = "400px"
        self.body = controls.html()
        self.addresses = controls.html()
        self.stop = controls.button("Stop", "End it: running requests finish first")
        self.keep = controls.button("Keep running", "Do not stop it")
        self.forget = controls.button("Forget", "Take it off the lists, with its log")
        self.note = controls.html(flex="1", padding="0 0 0 12px")
        self.log_toggle = Toggle(description="Log", icon="file-text-o")
        self.log_toggle.layout.width = "106px"
        self.log = controls.html()
        on_user(self.server, controller.select)
        on_user(self.log_toggle, lambda down: controller.open_log(opened=down))
        self.stop.on_click(lambda _: controller.stop())
        self.forget.on_click(lambda _: controller.forget())
        self.keep.on_click(lambda _: controller.keep())
        self.all = controls.column(
            self.server,
            self.body,
            self.addresses,
            controls.row(self.stop, self.forget, self.keep, self.note, self.log_toggle),
            self.log,
        )
        self.nothing = controls.html()
        self.root = controls.column(self.nothing, self.all)
        controls.show(self.all, visible=False)

    def show(self, scene: Scene) -> None:
        """Show a scene."""
        view = scene.view
        controls.show(self.all, visible=view is not None)
        said = "Looking for servers" if scene.views is None else NONE_YET
        put(self.nothing, value="" if view else panel.note(said))
        if view is None:
            return
        options = [(panel.server_words(one), one.record.name) for one in scene.views or ()]
        offer(self.server, options, scene.selected)
        put(self.body, value=panel.server(view, scene.history))
        put(self.addresses, value=panel.addresses(view))
        name = view.record.name
        asked = scene.asked == name
        controls.show(self.stop, visible=view.record.live or view.record.state == "unknown")
        ended = view.record.state in ("stopped", "failed") and view.shared_by is None
        controls.show(self.forget, visible=ended)
        put(self.forget, disabled=f"forget {name}" in scene.doing)
        controls.show(self.keep, visible=asked)
        stopping = f"stop {name}" in scene.doing or view.record.state == "stopping"
        put(self.stop, disabled=stopping, button_style="danger" if asked else "")
        put(self.note, value=panel.note(_question(scene) if asked else panel.how_it_ends(view)))
        put(self.log_toggle, value=scene.log_open)
        controls.show(self.log, visible=scene.log_open)
        put(self.log, value=panel.log(scene.log) if scene.log_open else "")


class Cached:
    """The Cache tab: the models on disk."""

    def __init__(self) -> None:
        self.body = controls.html()
        self.root = controls.column(self.body)

    def show(self, scene: Scene) -> None:
        """Show a scene."""
        if scene.totals is None:
            put(self.body, value=panel.note("Looking at the cache"))
            return
        card = render.cache_card(list(scene.cached), scene.totals)
        put(self.body, value=Html(card.html))


def _question(scene: Scene) -> str:
    view = scene.view
    count = (view.sample.req_running if view and view.sample else None) or 0
    are = "is" if count == 1 else "are"
    return f"Stop {scene.asked}? {words.plural(count, 'request')} {are} running."
