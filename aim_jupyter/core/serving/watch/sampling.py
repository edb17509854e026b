"""What the supervisor measures of its server while it runs, once a second.

The engine's own metrics and what the server takes of its machine go into one history, under one
time; what is not well becomes an event, once.
"""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from aim_jupyter.core import adapters, metrics
from aim_jupyter.core.gpus import processor
from aim_jupyter.core.metrics import Recorder, Scrape
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving.start import containers
from aim_jupyter.core.serving.state.folder import ServerFolder
from aim_jupyter.core.serving.state.process import members, uptime_s
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.core.serving.watch.health import Health
from aim_jupyter.core.serving.watch.resources import Resources
from aim_jupyter.core.sizes import GIB

#: Seconds between two samples, and after one that got no answer: each such look takes up to
#: `ANSWER_S`, during which the supervisor sees neither a stop nor the end of its engine.
SAMPLE_S = 1.0
UNANSWERED_S = 5.0
ANSWER_S = 2.0
#: Seconds between two looks at the memory of the machine.
MACHINE_S = 10.0


class Sampler:
    """Look at a running server again and again; its supervisor owns it and calls `tick`.

    Parameters
    ----------
    folder : ServerFolder
        Of the server: its key is read from there, what is measured is kept there.
    """

    def __init__(self, folder: ServerFolder) -> None:
        self.folder = folder
        self._key = folder.key()
        self._recorder = Recorder(folder.path)
        self._resources: Resources | None = None
        self._health = Health()
        self._due = 0.0
        self._requests: float | None = None
        # On a clock that only goes forward: when it answered last, and told metrics last.
        self._answered = self._measured = 0.0
        self._machine_due = 0.0
        self._free_pct: float | None = None

    def tick(self, record: ServerRecord, now: float) -> bool:
        """Measure if it is time to; return whether a request was seen since the last look.

        Any request on any route is activity.

        Parameters
        ----------
        record : ServerRecord
            Says where the engine listens, what its processes are, and since when it is idle.
        now : float
            Seconds since the epoch.
        """
        clock = time.monotonic()
        if clock < self._due:
            return False
        if self._resources is None:
            self._resources = Resources(record.engine, record.plan.gpus, self._processes(record))
            self._answered = self._measured = clock
        scrape = self._scrape(record, now, clock)
        active = scrape is not None and self._active(scrape)
        values = {**(scrape.values if scrape else {}), **self._resources.read(now)}
        if scrape is not None:
            idle_from = None if active else record.idle_up_s
            values["idle_s"] = uptime_s() - idle_from if idle_from is not None else 0.0
        sample = replace(scrape or Scrape(at=now), values=values)
        self._recorder.add(sample)
        self._tell(sample, clock)
        return active

    def _processes(self, record: ServerRecord) -> Callable[[], list[int]]:
        """Return what finds the engine's processes: of a container, those inside."""
        if record.plan.image is not None:
            return containers.Inside(record.plan.image.program, self.folder.path)
        return partial(members, record.engine) if record.engine is not None else list

    def _scrape(self, record: ServerRecord, now: float, clock: float) -> Scrape | None:
        """Ask the engine; None where it says nothing that can be read."""
        reply = endpoint.get(record.address, "/metrics", self._key, timeout_s=ANSWER_S)
        # Half a tick early, or ticks of a second would miss every other one.
        self._due = clock + (SAMPLE_S / 2 if reply.status else UNANSWERED_S)
        if reply.status:
            self._answered = clock
        if reply.status == http.client.OK:
            with contextlib.suppress(ValueError):
                names = adapters.of(record.plan.engine).metrics
                scrape = metrics.read(reply.body.decode("utf-8", "replace"), now, names)
                self._measured = clock
                return scrape
        return None

    def _active(self, scrape: Scrape) -> bool:
        before, self._requests = self._requests, scrape.requests
        return scrape.busy or (before is not None and scrape.requests != before)

    def _tell(self, sample: Scrape, clock: float) -> None:
        for change in self._health.look(self._figures(sample.values, clock), clock):
            self.folder.events.add(
                "health", change.message, level=change.level, took_s=change.took_s
            )

    def _figures(self, values: Mapping[str, float], clock: float) -> dict[str, float]:
        """Return the figures that the checks of ``health.toml`` look at, as far as known."""
        figures = {"unanswered_s": clock - self._answered}
        if clock == self._answered:
            figures["unmeasured_s"] = clock - self._measured
        if self._resources is not None:
            figures["processes_lost"] = self._resources.lost
        if clock >= self._machine_due:
            self._machine_due = clock + MACHINE_S
            self._free_pct = _memory_free_pct()
        if self._free_pct is not None:
            figures["memory_free_pct"] = self._free_pct
        if "disk_free_bytes" in values:
            figures["disk_free_gib"] = values["disk_free_bytes"] / GIB
        if "temp_c" in values:
            figures["temp_c"] = values["temp_c"]
        return {**figures, **_queue(values)}


def _queue(values: Mapping[str, float]) -> dict[str, float]:
    waiting, runs = values.get("waiting"), values.get("running")
    if waiting is None or runs is None:
        return {}
    crowded = values.get("kv_used", 0.0) if waiting else 0.0
    return {"stuck_waiting": 0.0 if runs else waiting, "kv_crowded_pct": 100 * crowded}


def _memory_free_pct() -> float | None:
    cpu = processor.cpu()
    free, total = cpu.memory_available_bytes, cpu.memory_bytes
    return None if free is None or not total else 100 * free / total
