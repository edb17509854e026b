"""What a tab asks of the controller, kept instead of done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from aim_jupyter.panel.controller import Controller
from aim_jupyter.panel.state import Scene


class Asked:
    """Stands where the controller does: each call by its name and what it was given."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.calls: list[tuple[str, object]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *words, **more: self.calls.append((name, words[0] if words else more))

    @property
    def controller(self) -> Controller:
        return cast("Any", self)  # type: ignore[no-any-return]
