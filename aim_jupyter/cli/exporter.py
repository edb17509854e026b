"""The metrics of all servers for Prometheus: one port, on loopback, by the official client library.

What the engines export goes on as it is, with a label `server`, so that their own dashboards work;
beside it stands what this tool knows: that a server is there, and what it takes of the machine.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from aim_jupyter.core import api, metrics
from aim_jupyter.core.errors import AimError, BadUsage, PortTaken
from aim_jupyter.core.records import ServerView

#: The first port of Prometheus' own list that is kept for exporters of no fixed kind.
PORT = 9464
LOOPBACK = "127.0.0.1"
_HIGHEST = 65535
_SERVER = "server"

#: Gauges of our own: name, what it is, and the field of a `Sample`.
_GAUGES = (
    ("aim_vram_used_bytes", "VRAM in use on the server's GPUs.", "vram_used_bytes"),
    ("aim_gpu_busy_percent", "Load of the server's GPUs, averaged.", "busy_pct"),
    ("aim_gpu_power_watts", "Power of the server's GPUs, added up.", "power_w"),
    ("aim_gpu_temperature_celsius", "The hottest of the server's GPUs.", "temp_c"),
    ("aim_cpu_percent", "CPU time of its processes, in percent of one core.", "cpu_pct"),
    ("aim_memory_bytes", "Proportional set size of its processes.", "memory_bytes"),
    ("aim_disk_free_bytes", "Free on the disk of the model cache.", "disk_free_bytes"),
    ("aim_idle_seconds", "Since the last request was seen.", "idle_s"),
)


class Collector:
    """Collects when it is asked: what `prometheus_client` calls a custom collector."""

    def collect(self) -> Iterator[Any]:
        """Yield the families of all live servers of this user."""
        own = (view for view in api.servers() if view.shared_by is None)
        views = [view for view in own if view.record.live]
        yield from _ours(views)
        yield from _theirs(view.record.name for view in views if view.record.state == "running")


def _ours(views: list[ServerView]) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - 30 ms

    labels = [_SERVER, "model", "recipe", "engine", "state"]
    known = GaugeMetricFamily("aim_server_info", "A live server; the value is 1.", labels=labels)
    for view in views:
        record, plan = view.record, view.record.plan
        engine = f"{plan.engine} {plan.engine_version}"
        known.add_metric([record.name, plan.model, plan.recipe_id, engine, record.state], 1)
    yield known
    for name, what, field in _GAUGES:
        gauge = GaugeMetricFamily(name, what, labels=[_SERVER])
        for view in views:
            value = getattr(view.sample, field) if view.sample else None
            if value is not None:
                gauge.add_metric([view.record.name], value)
        yield gauge


def _theirs(names: Iterable[str]) -> Iterator[Any]:
    """Yield what the engines export, each family once, its series marked with their server."""
    joined: dict[str, Any] = {}
    for name in names:
        # A server that ends while we look, or says nothing, takes nothing from the others.
        with contextlib.suppress(AimError, ValueError):
            for family in list(metrics.families(api.exposition(name))):
                into = joined.setdefault(family.name, _emptied(family))
                if into.type == family.type:
                    into.samples += [
                        sample._replace(labels={_SERVER: name, **sample.labels})
                        for sample in family.samples
                    ]
    yield from joined.values()


def _emptied(family: Any) -> Any:
    from prometheus_client.core import Metric  # noqa: PLC0415 - as above

    return Metric(family.name, family.documentation, family.type)


@contextlib.contextmanager
def serving(port: int | None = None) -> Iterator[str]:
    """Serve the metrics inside the block and give the address.

    Raises
    ------
    BadUsage
        If no port has that number.
    PortTaken
        If something else listens there.
    """
    from prometheus_client import CollectorRegistry, make_wsgi_app  # noqa: PLC0415 - as above

    chosen = PORT if port is None else port
    if not 0 <= chosen <= _HIGHEST:
        raise BadUsage(f"There is no port {chosen}.", f"take one up to {_HIGHEST}")
    registry = CollectorRegistry()
    registry.register(Collector())
    app = _with_colons(make_wsgi_app(registry))
    try:
        server = make_server(LOOPBACK, chosen, app, _Threads, _Quiet)
    except OSError as error:
        raise PortTaken(
            f"Port {chosen} is in use: {error.strerror or error}.",
            f"%aim metrics --serve-metrics --port {chosen + 1}",
        ) from error
    thread = threading.Thread(target=server.serve_forever, daemon=True, name="aim-metrics")
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _with_colons(app: Any) -> Any:
    """Return the app as one that leaves the engines' names as they are.

    For a scraper that asks for OpenMetrics and says nothing of escaping, prometheus_client 0.26
    writes ``vllm_…`` for ``vllm:…``, though only in the samples and not above them: then nothing
    belongs together. A colon is legal in all of its formats.
    """

    def named(environ: dict[str, Any], start: Any) -> Any:
        wanted = environ.get("HTTP_ACCEPT", "")
        if "escaping" not in wanted:
            wanted = wanted.replace("version=1.0.0", "version=1.0.0;escaping=allow-utf-8")
        return app({**environ, "HTTP_ACCEPT": wanted}, start)

    return named


class _Threads(ThreadingMixIn, WSGIServer):
    """Answers each scraper in a thread of its own."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Writes no line for each scrape."""

    def log_message(self, *_: object) -> None:
        """Stay silent."""
