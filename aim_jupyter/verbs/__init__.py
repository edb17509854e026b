"""The Python API: the verbs as functions.

They call the same core as the magics and the command, and hand out what a researcher works with:
DataFrames and `Server` handles.
"""

from __future__ import annotations

from aim_jupyter.verbs.benching import bench
from aim_jupyter.verbs.caching import (
    cache,
    cache_evict,
    cache_pin,
    cache_prefetch,
    cache_stats,
    cache_unpin,
    cache_verify,
    cache_why,
)
from aim_jupyter.verbs.choices import engines, fit, fit_history, gpus, recipes
from aim_jupyter.verbs.evaluating import evaluate
from aim_jupyter.verbs.frames import frame
from aim_jupyter.verbs.gateways import gateway
from aim_jupyter.verbs.keeping import drift, run, runs
from aim_jupyter.verbs.mapping import compare, embed, map, rerank
from aim_jupyter.verbs.measures import exported, metrics, plot, usage
from aim_jupyter.verbs.recording import provenance, replay
from aim_jupyter.verbs.servers import (
    answer,
    ask,
    attach,
    client,
    events,
    launch,
    logs,
    plan,
    ps,
    queue,
    status,
    stop,
    wait,
    why,
)

__all__ = [
    "answer",
    "ask",
    "attach",
    "bench",
    "cache",
    "cache_evict",
    "cache_pin",
    "cache_prefetch",
    "cache_stats",
    "cache_unpin",
    "cache_verify",
    "cache_why",
    "client",
    "compare",
    "drift",
    "embed",
    "engines",
    "evaluate",
    "events",
    "exported",
    "fit",
    "fit_history",
    "frame",
    "gateway",
    "gpus",
    "launch",
    "logs",
    "map",
    "metrics",
    "plan",
    "plot",
    "provenance",
    "ps",
    "queue",
    "recipes",
    "replay",
    "rerank",
    "run",
    "runs",
    "status",
    "stop",
    "usage",
    "wait",
    "why",
]
