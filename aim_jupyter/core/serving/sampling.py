"""What the supervisor measures of its server while it runs, and where that is kept."""

from __future__ import annotations

import contextlib
import http.client

import msgspec

from aim_jupyter.core import metrics
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.files import write_atomic
from aim_jupyter.core.metrics import Scrape
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving import endpoint
from aim_jupyter.core.serving.folder import ServerFolder

#: Seconds between two scrapes, and how many are kept for the window of `%aim metrics`.
SAMPLE_S = 5.0
SAMPLES_KEPT = 60


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
        self._samples: list[Scrape] = []
        self._sampled_at = 0.0
        self._requests: float | None = None

    def tick(self, record: ServerRecord, now: float) -> bool:
        """Measure if it is time to; return whether a request was seen since the last look.

        Any request on any route is activity.

        Parameters
        ----------
        record : ServerRecord
            Says on which port the engine listens.
        now : float
            Seconds since the epoch.
        """
        if now - self._sampled_at < SAMPLE_S:
            return False
        self._sampled_at = now
        reply = endpoint.get(record.port or 0, "/metrics", self._key)
        if reply.status != http.client.OK:
            self.folder.events.add("health", f"no metrics: status {reply.status}", level="warning")
            return False
        with contextlib.suppress(ValueError):
            scrape = metrics.read(reply.body.decode("utf-8", "replace"), now)
            self._samples = [*self._samples, scrape][-SAMPLES_KEPT:]
            with contextlib.suppress(StateUnusable):
                write_atomic(self.folder.samples, msgspec.json.encode(self._samples))
            return self._active(scrape)
        return False

    def _active(self, scrape: Scrape) -> bool:
        before, self._requests = self._requests, scrape.requests
        return scrape.busy or (before is not None and scrape.requests != before)
