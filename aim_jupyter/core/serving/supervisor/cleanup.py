"""The end of an engine: its group ended, its memory seen free, and what is left told."""

from __future__ import annotations

from collections.abc import Callable

from aim_jupyter.core import adapters
from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving.start import containers, devices, sockets
from aim_jupyter.core.serving.start.engine import Engine
from aim_jupyter.core.serving.state.process import end_group
from aim_jupyter.core.serving.supervisor.wakeup import reap_others


class Ending:
    """What the last clean-up of a server left; nothing before the first.

    Attributes
    ----------
    left : list of str
        Processes and containers of the engine that could not be ended.
    held : list of str
        Who holds how much memory on the plan's GPUs although the engine is gone.
    """

    def __init__(self) -> None:
        self.left: list[str] = []
        self.held: list[str] = []

    def clean_up(
        self,
        engine: Engine,
        plan: Plan,
        *,
        drain_s: float,
        term_s: float | None = None,
        then: Callable[[], object] = lambda: None,
    ) -> None:
        """End the engine's group, and wait until its memory is free.

        Parameters
        ----------
        drain_s, term_s : float
            Seconds that running requests may take, and the engine itself beyond that: by default
            what its adapter says.
        then
            Called once its processes have ended, before the memory is looked at.
        """

        def tick() -> None:
            engine.poll()
            reap_others(engine.id)

        if term_s is None:
            term_s = adapters.of(plan.engine).stop.seconds
        left = end_group(engine.id, drain_s=drain_s, term_s=term_s, tick=tick)
        self.left = [*(f"process {pid}" for pid in left), *containers.end(plan, engine.folder)]
        sockets.clear(engine.folder)
        then()
        self.held = devices.still_held(plan)

    @property
    def bad(self) -> bool:
        """Whether anything is left or held."""
        return bool(self.left or self.held)

    @property
    def words(self) -> str:
        """What was cleaned up, or what could not be."""
        if self.left:
            return f"{', '.join(self.left)} of the engine could not be ended"
        if self.held:
            return f"no engine process left, but memory is still held: {'; '.join(self.held)}"
        return "no engine process left"
